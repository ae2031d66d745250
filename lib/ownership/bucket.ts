/**
 * From a key's bytes to one of 256 buckets: HalfSipHash-1-3 under the cluster's seed, top 8 bits.
 *
 * The twin of kmod/bucket.h, which says what is hashed for each kind of key. Replication asks it for
 * every conntrack event, so it reads addresses where they lie and allocates nothing.
 */

/** HalfSipHash-1-3 key: two unsigned 32-bit words, the low one first. */
export type BucketSeed = readonly [low: number, high: number];

/** Room for the words of the longest key: a flow of IPv6, 37 bytes. */
const scratchBytes = 40;

export class BucketHash {
  readonly #low: number;
  readonly #high: number;
  // The words are little-endian, as every machine is that Deno runs on.
  readonly #words = new Int32Array(scratchBytes / 4);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  constructor(seed: BucketSeed) {
    this.#low = seed[0] | 0;
    this.#high = seed[1] | 0;
  }

  /** The key `source`, or `inside`: one address of 4 or 16 bytes at `offset`. */
  ofSource(bytes: Uint8Array, offset: number, addressBytes: number): number {
    this.#copy(bytes, offset, addressBytes, 0);
    return this.#bucket(addressBytes, 0);
  }

  /** The key `pair`: both addresses, the smaller first. */
  ofPair(
    bytes: Uint8Array,
    sourceOffset: number,
    destinationOffset: number,
    addressBytes: number,
  ): number {
    const swap = compare(bytes, sourceOffset, destinationOffset, addressBytes) > 0;
    this.#copy(bytes, swap ? destinationOffset : sourceOffset, addressBytes, 0);
    this.#copy(bytes, swap ? sourceOffset : destinationOffset, addressBytes, addressBytes);
    return this.#bucket(2 * addressBytes, 0);
  }

  /** The key `flow`: both ends (address, port), the smaller first, then the protocol. */
  ofFlow(
    bytes: Uint8Array,
    sourceOffset: number,
    destinationOffset: number,
    addressBytes: number,
    sourcePort: number,
    destinationPort: number,
    protocol: number,
  ): number {
    const order = compare(bytes, sourceOffset, destinationOffset, addressBytes);
    const swap = order > 0 || (order === 0 && sourcePort > destinationPort);
    const second = addressBytes + 2;
    this.#copy(bytes, swap ? destinationOffset : sourceOffset, addressBytes, 0);
    this.#putPort(swap ? destinationPort : sourcePort, addressBytes);
    this.#copy(bytes, swap ? sourceOffset : destinationOffset, addressBytes, second);
    this.#putPort(swap ? sourcePort : destinationPort, second + addressBytes);
    return this.#bucket(2 * second + 1, protocol & 0xff);
  }

  #copy(bytes: Uint8Array, offset: number, length: number, at: number): void {
    for (let i = 0; i < length; i++) this.#bytes[at + i] = bytes[offset + i];
  }

  #putPort(port: number, at: number): void {
    this.#bytes[at] = port >> 8;
    this.#bytes[at + 1] = port;
  }

  /** `length` bytes of the scratch, of which those that fill no word are in `rest`. */
  #bucket(length: number, rest: number): number {
    return halfSipHash(this.#low, this.#high, this.#words, length, rest) >>> 24;
  }
}

/**
 * HalfSipHash-1-3, as hsiphash() of a 32-bit Linux (lib/siphash.c).
 * @param words The bytes' whole words, little-endian; more may follow.
 * @param length Of the bytes.
 * @param rest The length % 4 bytes that fill no word, little-endian.
 * @returns A signed 32-bit number.
 */
export function halfSipHash(
  low: number,
  high: number,
  words: Int32Array,
  length: number,
  rest: number,
): number {
  const count = length >> 2;
  let v0 = low;
  let v1 = high;
  let v2 = 0x6c796765 ^ low;
  let v3 = 0x74656462 ^ high;
  // One round for each word and one for the length, then three, into which nothing is mixed.
  for (let i = 0; i < count + 4; i++) {
    const word = i < count ? words[i] : i === count ? length << 24 | rest : 0;
    if (i === count + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = v0 + v1 | 0;
    v1 = (v1 << 5 | v1 >>> 27) ^ v0;
    v0 = v0 << 16 | v0 >>> 16;
    v2 = v2 + v3 | 0;
    v3 = (v3 << 8 | v3 >>> 24) ^ v2;
    v0 = v0 + v3 | 0;
    v3 = (v3 << 7 | v3 >>> 25) ^ v0;
    v2 = v2 + v1 | 0;
    v1 = (v1 << 13 | v1 >>> 19) ^ v2;
    v2 = v2 << 16 | v2 >>> 16;
    v0 ^= word;
  }
  return v1 ^ v3;
}

/** As memcmp(): negative, zero or positive. */
function compare(bytes: Uint8Array, a: number, b: number, length: number): number {
  for (let i = 0; i < length; i++) {
    const difference = bytes[a + i] - bytes[b + i];
    if (difference !== 0) return difference;
  }
  return 0;
}
