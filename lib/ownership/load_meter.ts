/**
 * How much traffic each bucket has, from counters that only rise.
 *
 * Intuition: an exponentially smoothed rate forgets in `smoothingMs` what no longer is. Smoothed from
 * zero it would be too low at first, so it is divided by the part of its weight that it has seen so
 * far: steady traffic is told right from the first interval on. And since old and new owner forget
 * and learn at the same pace, the sum of both is right while a bucket moves.
 */
import type { BucketCounters, Millis } from "../ports.ts";
import { bucketCount } from "./bucket_set.ts";

/** Ten seconds: longer than a burst, shorter than an operator's patience. */
const smoothingMs = 10_000;
/** Closer readings change nothing: the rate of some milliseconds says little. */
const apartMsMin = 500;

export interface BucketLoad extends BucketCounters {
  /** Smoothed over the last ten seconds or so. */
  readonly packetsPerSecond: readonly number[];
}

export class LoadMeter {
  #last: { readonly packets: readonly number[]; readonly at: Millis } | null = null;
  #smoothed = new Float64Array(bucketCount);
  /** How much of the smoothed rate's weight has been seen, 0 to 1. */
  #seen = 0;

  /** Takes a reading of the counters; null: there are none. What they tell by now. */
  read(counters: BucketCounters | null, now: Millis): BucketLoad | null {
    if (counters === null) return null;
    this.#learn(counters.packets, now);
    const rate = (smoothed: number) => this.#seen > 0 ? smoothed / this.#seen : 0;
    return {
      packets: counters.packets,
      bytes: counters.bytes,
      packetsPerSecond: Array.from(this.#smoothed, (value) => Math.round(rate(value) * 10) / 10),
    };
  }

  #learn(packets: readonly number[], now: Millis): void {
    const last = this.#last;
    if (last !== null && now - last.at < apartMsMin) return;
    this.#last = { packets, at: now };
    // Counters that have fallen are those of another datapath: they begin anew.
    if (last === null || packets.some((count, bucket) => count < last.packets[bucket])) return;
    const passedMs = now - last.at;
    const weight = 1 - Math.exp(-passedMs / smoothingMs);
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const rate = (packets[bucket] - last.packets[bucket]) * 1000 / passedMs;
      this.#smoothed[bucket] += weight * (rate - this.#smoothed[bucket]);
    }
    this.#seen += weight * (1 - this.#seen);
  }
}
