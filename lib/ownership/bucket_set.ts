/**
 * A set of buckets: the 256-bit map that the datapath, heartbeats and the planner all speak.
 *
 * Bit b of the map is bit (b & 31) of word (b >> 5), words in little-endian order on the wire and in
 * the kernel (kmod/state.h), so that the bytes are the same wherever the map is looked at.
 */

/** How many buckets there are, always. */
export const bucketCount = 256;

/** Length of a map on the wire and in the kernel, in bytes. */
export const bucketSetBytes = bucketCount / 8;

export class BucketSet {
  /** Eight, of 32 bits each and signed: V8 keeps those without boxes, and short arrays cost little. */
  readonly #words: number[];

  private constructor(words: number[]) {
    this.#words = words;
  }

  static empty(): BucketSet {
    return new BucketSet([0, 0, 0, 0, 0, 0, 0, 0]);
  }

  static all(): BucketSet {
    return new BucketSet([-1, -1, -1, -1, -1, -1, -1, -1]);
  }

  static of(buckets: Iterable<number>): BucketSet {
    const set = BucketSet.empty();
    for (const bucket of buckets) set.add(bucket);
    return set;
  }

  /** From 32 bytes, little-endian words; `bytes` is copied. */
  static fromBytes(bytes: Uint8Array): BucketSet {
    const words = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < bucketSetBytes; i++) words[i >> 2] |= bytes[i] << (8 * (i & 3));
    return new BucketSet(words);
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(bucketSetBytes);
    for (let i = 0; i < bucketSetBytes; i++) bytes[i] = this.#words[i >> 2] >>> (8 * (i & 3));
    return bytes;
  }

  /** 64 hexadecimal digits of `toBytes()`. */
  toHex(): string {
    return Array.from(this.toBytes(), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  static fromHex(hex: string): BucketSet {
    const bytes = new Uint8Array(bucketSetBytes);
    for (let i = 0; i < bucketSetBytes; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
    return BucketSet.fromBytes(bytes);
  }

  has(bucket: number): boolean {
    return (this.#words[bucket >> 5] >>> (bucket & 31) & 1) === 1;
  }

  add(bucket: number): void {
    this.#words[bucket >> 5] |= 1 << (bucket & 31);
  }

  delete(bucket: number): void {
    this.#words[bucket >> 5] &= ~(1 << (bucket & 31));
  }

  get size(): number {
    let n = 0;
    for (let word of this.#words) for (; word !== 0; word &= word - 1) n++;
    return n;
  }

  get isEmpty(): boolean {
    const w = this.#words;
    return (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]) === 0;
  }

  clone(): BucketSet {
    return new BucketSet(this.#words.slice());
  }

  equals(other: BucketSet): boolean {
    for (let i = 0; i < 8; i++) if (this.#words[i] !== other.#words[i]) return false;
    return true;
  }

  union(other: BucketSet): BucketSet {
    const a = this.#words, b = other.#words;
    return new BucketSet([
      a[0] | b[0],
      a[1] | b[1],
      a[2] | b[2],
      a[3] | b[3],
      a[4] | b[4],
      a[5] | b[5],
      a[6] | b[6],
      a[7] | b[7],
    ]);
  }

  intersection(other: BucketSet): BucketSet {
    const a = this.#words, b = other.#words;
    return new BucketSet([
      a[0] & b[0],
      a[1] & b[1],
      a[2] & b[2],
      a[3] & b[3],
      a[4] & b[4],
      a[5] & b[5],
      a[6] & b[6],
      a[7] & b[7],
    ]);
  }

  /** The buckets of this set that `other` does not have. */
  difference(other: BucketSet): BucketSet {
    const a = this.#words, b = other.#words;
    return new BucketSet([
      a[0] & ~b[0],
      a[1] & ~b[1],
      a[2] & ~b[2],
      a[3] & ~b[3],
      a[4] & ~b[4],
      a[5] & ~b[5],
      a[6] & ~b[6],
      a[7] & ~b[7],
    ]);
  }

  isSupersetOf(other: BucketSet): boolean {
    for (let i = 0; i < 8; i++) if ((other.#words[i] & ~this.#words[i]) !== 0) return false;
    return true;
  }

  intersects(other: BucketSet): boolean {
    for (let i = 0; i < 8; i++) if ((other.#words[i] & this.#words[i]) !== 0) return true;
    return false;
  }

  /** The buckets in rising order. */
  *[Symbol.iterator](): Generator<number> {
    for (let i = 0; i < 8; i++) {
      for (let word = this.#words[i]; word !== 0; word &= word - 1) {
        yield 32 * i + 31 - Math.clz32(word & -word);
      }
    }
  }
}
