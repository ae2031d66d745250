/** The xdp datapath's shared memory: struct avail_state of kmod/state.h. */
import { SharedMapping } from "../../ffi/libc.ts";
import { BucketSet, bucketSetBytes } from "../ownership/bucket_set.ts";
import type { Millis, Steering } from "../ports.ts";

/** Offsets; a test compares them with the C compiler's. */
export const stateLayout = { lease: 0, active: 8, owned: 16, bytes: 80 } as const;

/** What the kernel holds for an array map's element of that size. */
const pageBytes = 4096;
const nanosPerMilli = 1e6;

/**
 * Steering by the state map, in any thread of the process. Each verb is a few stores: the lease is one
 * aligned word, and a switch of responsibility is the word that names the generation.
 */
export function openXdpSteering(stateFd: number): Steering {
  return new XdpSteering(new SharedMapping(stateFd, pageBytes).bytes.buffer);
}

class XdpSteering implements Steering {
  /** lease, active */
  readonly #words: BigUint64Array<ArrayBuffer>;
  readonly #owned: Uint8Array<ArrayBuffer>;

  constructor(memory: ArrayBuffer) {
    this.#words = new BigUint64Array(memory, 0, 2);
    this.#owned = new Uint8Array(memory, stateLayout.owned, 2 * bucketSetBytes);
  }

  setResponsibility(buckets: BucketSet): void {
    const next = this.#active ^ 1;
    this.#owned.set(buckets.toBytes(), next * bucketSetBytes);
    Atomics.store(this.#words, stateLayout.active / 8, BigInt(next));
  }

  setLease(until: Millis): void {
    const nanos = BigInt(Math.max(0, Math.floor(until * nanosPerMilli)));
    Atomics.store(this.#words, stateLayout.lease / 8, nanos);
  }

  current(): { readonly responsibility: BucketSet; readonly leaseUntil: Millis } {
    const start = this.#active * bucketSetBytes;
    return {
      responsibility: BucketSet.fromBytes(this.#owned.subarray(start, start + bucketSetBytes)),
      leaseUntil: Number(Atomics.load(this.#words, stateLayout.lease / 8)) / nanosPerMilli,
    };
  }

  get #active(): number {
    return Number(Atomics.load(this.#words, stateLayout.active / 8) & 1n);
  }
}
