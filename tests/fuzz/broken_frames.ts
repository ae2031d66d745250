/** Frames that are almost right: the vectors' frames with bytes flipped, cut, added and spliced. */

import { fromHex } from "../vectors/read.ts";
import type { BucketVector } from "../vectors/bucket_vector.ts";

/** A generator of numbers from a seed: xorshift32 (Marsaglia 2003). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** An integer from 0 to limit - 1. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
}

/** Bytes at which parsers go separate ways. */
const tellingBytes = [0, 1, 4, 6, 8, 17, 20, 43, 44, 51, 58, 60, 0x45, 0x60, 128, 135, 255];

export class BrokenFrames {
  readonly #frames: readonly Uint8Array<ArrayBuffer>[];

  constructor(vectors: readonly BucketVector[], readonly random: Random) {
    this.#frames = vectors.map(({ frame }) => fromHex(frame));
  }

  next(): Uint8Array<ArrayBuffer> {
    let frame = this.#pick().slice();
    for (let left = this.random.below(5); left > 0; left--) frame = this.#breakOnce(frame);
    return frame;
  }

  #pick(): Uint8Array<ArrayBuffer> {
    return this.#frames[this.random.below(this.#frames.length)];
  }

  #breakOnce(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const at = this.random.below(frame.length + 1);
    switch (this.random.below(5)) {
      case 0:
        return frame.slice(0, at);
      case 1:
        if (at < frame.length) frame[at] ^= 1 << this.random.below(8);
        return frame;
      case 2:
        if (at < frame.length) frame[at] = tellingBytes[this.random.below(tellingBytes.length)];
        return frame;
      case 3:
        return Uint8Array.of(...frame, ...Array.from({ length: 8 }, () => this.random.below(256)));
      default: {
        const other = this.#pick();
        return Uint8Array.of(...frame.subarray(0, at), ...other.subarray(at));
      }
    }
  }
}
