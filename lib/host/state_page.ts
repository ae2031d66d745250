/** The memory that the daemon and the datapath share: struct avail_state of kmod/state.h. */
import { SharedMapping } from "../../ffi/libc.ts";
import { BucketSet, bucketSetBytes } from "../ownership/bucket_set.ts";
import type { Millis, Steering, SteeringState } from "../ports.ts";

/** Offsets; a test compares them with the C compiler's. */
export const stateLayout = { lease: 0, active: 8, owned: 16, epoch: 80, bytes: 88 } as const;

/** Bumped when struct avail_state changes: what an older program left is not adopted then. */
export const stateVersion = 2;

/** What the kernel holds for an array map's element of that size, and for /dev/clusterdev. */
const pageBytes = 4096;
const nanosPerMilli = 1e6;

/**
 * Steering by a descriptor whose first page is a struct avail_state, in any thread of the process.
 * Each verb is a few stores: the lease is one aligned word, and a switch of responsibility is the word
 * that names the generation. Throws `SystemError` where the descriptor cannot be mapped.
 */
export function openStatePage(fd: number): Steering {
  return new StatePage(new SharedMapping(fd, pageBytes).bytes.buffer);
}

class StatePage implements Steering {
  /** By offset / 8: lease, active, and behind the generations the epoch. */
  readonly #words: BigUint64Array<ArrayBuffer>;
  readonly #owned: Uint8Array<ArrayBuffer>;

  constructor(memory: ArrayBuffer) {
    this.#words = new BigUint64Array(memory, 0, stateLayout.bytes / 8);
    this.#owned = new Uint8Array(memory, stateLayout.owned, 2 * bucketSetBytes);
  }

  setResponsibility(buckets: BucketSet, epoch: number): void {
    const next = this.#active ^ 1;
    this.#owned.set(buckets.toBytes(), next * bucketSetBytes);
    Atomics.store(this.#words, stateLayout.epoch / 8, BigInt(epoch));
    Atomics.store(this.#words, stateLayout.active / 8, BigInt(next));
  }

  setLease(until: Millis): void {
    const nanos = BigInt(Math.max(0, Math.floor(until * nanosPerMilli)));
    Atomics.store(this.#words, stateLayout.lease / 8, nanos);
  }

  current(): SteeringState {
    const start = this.#active * bucketSetBytes;
    return {
      responsibility: BucketSet.fromBytes(this.#owned.subarray(start, start + bucketSetBytes)),
      leaseUntil: Number(Atomics.load(this.#words, stateLayout.lease / 8)) / nanosPerMilli,
      epoch: Number(Atomics.load(this.#words, stateLayout.epoch / 8)),
    };
  }

  get #active(): number {
    return Number(Atomics.load(this.#words, stateLayout.active / 8) & 1n);
  }
}
