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
  readonly #words: Uint32Array;

  private constructor(words: Uint32Array) {
    this.#words = words;
  }

  static empty(): BucketSet {
    return new BucketSet(new Uint32Array(8));
  }

  static all(): BucketSet {
    return new BucketSet(new Uint32Array(8).fill(0xffffffff));
  }

  static of(buckets: Iterable<number>): BucketSet {
    const set = BucketSet.empty();
    for (const bucket of buckets) set.add(bucket);
    return set;
  }

  /** From 32 bytes, little-endian words; `bytes` is copied. */
  static fromBytes(bytes: Uint8Array): BucketSet {
    const words = new Uint32Array(8);
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
    for (let word of this.#words) for (; word !== 0; word = (word & (word - 1)) >>> 0) n++;
    return n;
  }

  get isEmpty(): boolean {
    return this.#words.every((word) => word === 0);
  }

  clone(): BucketSet {
    return new BucketSet(this.#words.slice());
  }

  equals(other: BucketSet): boolean {
    return this.#words.every((word, i) => word === other.#words[i]);
  }

  union(other: BucketSet): BucketSet {
    return new BucketSet(this.#words.map((word, i) => word | other.#words[i]));
  }

  intersection(other: BucketSet): BucketSet {
    return new BucketSet(this.#words.map((word, i) => word & other.#words[i]));
  }

  /** The buckets of this set that `other` does not have. */
  difference(other: BucketSet): BucketSet {
    return new BucketSet(this.#words.map((word, i) => word & ~other.#words[i]));
  }

  isSupersetOf(other: BucketSet): boolean {
    return this.#words.every((word, i) => (other.#words[i] & ~word) === 0);
  }

  intersects(other: BucketSet): boolean {
    return this.#words.some((word, i) => (other.#words[i] & word) !== 0);
  }

  /** The buckets in rising order. */
  *[Symbol.iterator](): Generator<number> {
    for (let bucket = 0; bucket < bucketCount; bucket++) if (this.has(bucket)) yield bucket;
  }
}
