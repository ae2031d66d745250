import { assert, assertEquals, assertLess, assertNotEquals } from "../assert.ts";
import { BucketHash, halfSipHash } from "../../lib/ownership/bucket.ts";
import { bucketOfFrame } from "../../lib/ownership/bucket_of_frame.ts";
import { frameKey } from "../vectors/bucket_vector.ts";
import { Random } from "../fuzz/broken_frames.ts";
import { icmp, ipv4 } from "../vectors/frames.ts";
import { bucketVectors, fromHex, hashVectors } from "../vectors/read.ts";
import { referenceHash } from "../vectors/reference_hash.ts";

/** HalfSipHash of `bytes` with the words that BucketHash would make of them. */
function hash(seed: readonly [number, number], bytes: readonly number[]): number {
  const padded = new Uint8Array((bytes.length + 4) & ~3);
  padded.set(bytes);
  const words = new Int32Array(padded.buffer);
  const rest = words[words.length - 1];
  return halfSipHash(seed[0], seed[1], words, bytes.length, rest) >>> 0;
}

Deno.test("the primitive gives the kernel's published values", () => {
  for (const [n, expected] of hashVectors.hashes.entries()) {
    const input = Array.from({ length: n }, (_, i) => i);
    assertEquals(hash(hashVectors.seed, input), expected, `${n} bytes`);
    assertEquals(referenceHash(hashVectors.seed, input), expected, `${n} bytes, reference`);
  }
  // Negative control: one bit of the key.
  const other = [hashVectors.seed[0] ^ 1, hashVectors.seed[1]] as const;
  assertNotEquals(hash(other, []), hashVectors.hashes[0]);
});

Deno.test("every vector's frame gives its bucket or verdict", () => {
  for (const { name, config, frame, hashed, expected } of bucketVectors) {
    assertEquals(bucketOfFrame(fromHex(frame), frameKey(config)), expected, name);
    if (hashed !== null) assertEquals(hash(config.seed, [...fromHex(hashed)]) >>> 24, expected);
  }
});

Deno.test("one bit of the seed changes most vectors' buckets", () => {
  const hashed = bucketVectors.filter((vector) => vector.hashed !== null);
  for (const seed of [[1, 0], [0, 0x80000000]] as const) {
    const changed = hashed.filter(({ config, frame, expected }) => {
      const other = [config.seed[0] ^ seed[0], config.seed[1] ^ seed[1]] as const;
      return bucketOfFrame(fromHex(frame), frameKey({ ...config, seed: other })) !== expected;
    });
    assert(changed.length > hashed.length * 0.9);
  }
});

Deno.test("pair and flow are the same from both sides; source is not", () => {
  const buckets = new BucketHash([7, 9]);
  const random = new Random(1);
  let asymmetric = 0;
  for (let i = 0; i < 2000; i++) {
    const size = i % 2 === 0 ? 4 : 16;
    const bytes = Uint8Array.from({ length: 2 * size }, () => random.below(256));
    if (i % 10 < 2) bytes.copyWithin(size, 0, size - 1);
    const pair = buckets.ofPair(bytes, 0, size, size);
    assertEquals(buckets.ofPair(bytes, size, 0, size), pair);
    const [sport, dport] = [bytes[0] << 8 | 5, bytes[1] << 8 | 7];
    const flow = buckets.ofFlow(bytes, 0, size, size, sport, dport, 6);
    assertEquals(buckets.ofFlow(bytes, size, 0, size, dport, sport, 6), flow);
    if (buckets.ofSource(bytes, 0, size) !== buckets.ofSource(bytes, size, size)) asymmetric++;
    assert(pair >= 0 && pair < 256 && flow >= 0 && flow < 256);
  }
  assert(asymmetric > 1500);
});

Deno.test("an ICMP error falls into the bucket of the packet that it answers", () => {
  const frames = bucketVectors.filter(({ name }) => name.endsWith("IPv4 TCP, the other way"));
  assertEquals(frames.length, 2);
  for (const { config, frame, expected } of frames) {
    const quoted = fromHex(frame).subarray(14, 14 + 28);
    const packet = (type: number) =>
      ipv4("203.0.113.99", "192.0.2.1", 1, icmp(type, 0, [...quoted]));
    const head = fromHex(frame).subarray(0, 14);
    const bucket = (type: number) =>
      bucketOfFrame(Uint8Array.of(...head, ...packet(type)), frameKey(config));
    for (const type of [3, 4, 5, 11, 12]) assertEquals(bucket(type), expected);
    // Negative control: read as no error, it would go elsewhere.
    assertNotEquals(bucket(13), expected);
  }
});

Deno.test("neighbouring addresses and ports spread evenly", () => {
  const buckets = new BucketHash([0x12345678, 0x9abcdef0]);
  const samples = 256 * 400;
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, 0xc0000201);
  const kinds: Record<string, (i: number) => number> = {
    source: (i) => (view.setUint32(0, 0x0a000000 + i), buckets.ofSource(bytes, 0, 4)),
    pair: (i) => (view.setUint32(0, 0x0a000000 + i), buckets.ofPair(bytes, 0, 4, 4)),
    flow: (
      i,
    ) => (view.setUint32(0, 0x0a000000 + (i >> 16)),
      buckets.ofFlow(bytes, 0, 4, 4, i & 0xffff, 443, 6)),
  };
  // 255 degrees of freedom: mean 255, deviation 22.6; six deviations.
  for (const [kind, bucketOf] of Object.entries(kinds)) {
    assertLess(chiSquare(samples, bucketOf), 255 + 6 * 22.6, kind);
  }
  // Negative control: the low byte of an address in strides of two.
  assert(chiSquare(samples, (i) => (2 * i) & 255) > 1000);
});

/** Of `samples` draws from 256 equally probable buckets. */
function chiSquare(samples: number, bucketOf: (i: number) => number): number {
  const counts = new Uint32Array(256);
  for (let i = 0; i < samples; i++) counts[bucketOf(i)]++;
  const expected = samples / 256;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
