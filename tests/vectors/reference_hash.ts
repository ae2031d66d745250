/**
 * HalfSipHash-1-3 byte by byte, after the paper: slow, and shares nothing with what it checks.
 * J.-P. Aumasson, D. J. Bernstein: SipHash, a fast short-input PRF (2012); words of 32 bits.
 */
export function referenceHash(key: readonly [number, number], data: readonly number[]): number {
  const v = [key[0], key[1], 0x6c796765 ^ key[0], 0x74656462 ^ key[1]].map((x) => x >>> 0);
  const rotate = (x: number, n: number) => ((x << n) | (x >>> (32 - n))) >>> 0;
  const mix = (a: number, b: number, n: number, m: number) => {
    v[a] = (v[a] + v[b]) >>> 0;
    v[b] = (rotate(v[b], n) ^ v[a]) >>> 0;
    v[a] = rotate(v[a], m);
  };
  const round = () => {
    mix(0, 1, 5, 16);
    mix(2, 3, 8, 0);
    mix(0, 3, 7, 0);
    mix(2, 1, 13, 16);
  };
  const padded = [...data];
  while (padded.length % 4 !== 3) padded.push(0);
  padded.push(data.length & 0xff);
  for (let i = 0; i < padded.length; i += 4) {
    const word = padded[i] + padded[i + 1] * 2 ** 8 + padded[i + 2] * 2 ** 16 +
      padded[i + 3] * 2 ** 24;
    v[3] = (v[3] ^ word) >>> 0;
    round();
    v[0] = (v[0] ^ word) >>> 0;
  }
  v[2] = (v[2] ^ 0xff) >>> 0;
  for (let i = 0; i < 3; i++) round();
  return (v[1] ^ v[3]) >>> 0;
}
