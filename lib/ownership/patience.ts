/**
 * Planned moves where local services run: sockets do not move with their connections, so a bucket
 * waits for its connections to end, and idle buckets go first. Not for ever: after the time-out it goes
 * as it is. A time-out of 0, as on routers, means that nothing waits.
 */
import type { Millis } from "../ports.ts";
import { bucketCount, BucketSet } from "./bucket_set.ts";

export class Patience {
  /** Buckets with open connections at the newest reading; null: not known yet. */
  #busy: BucketSet | null = null;
  #waiting = BucketSet.empty();
  /** Since when each bucket's move has been due; Infinity: it is not. */
  readonly #dueSince = new Float64Array(bucketCount).fill(Infinity);
  #nextAt: Millis = Infinity;
  #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Another time-out, also for what waits already. */
  useTimeout(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    if (timeoutMs > 0) return;
    this.#waiting = BucketSet.empty();
    this.#dueSince.fill(Infinity);
    this.#nextAt = Infinity;
  }

  /** Whether anybody needs to know which buckets are busy. */
  get isWaiting(): boolean {
    return !this.#waiting.isEmpty;
  }

  /** When the next bucket's time will be up; Infinity where none waits. */
  get nextAt(): Millis {
    return this.#nextAt;
  }

  /** Which buckets had open connections of this node's services just now. */
  told(busy: BucketSet): void {
    this.#busy = busy;
  }

  /** Those of `due`, all buckets whose move is due, that shall wait. */
  waiting(due: () => BucketSet, now: Millis): BucketSet {
    if (this.#timeoutMs === 0) return this.#waiting;
    const moving = due();
    this.#nextAt = Infinity;
    const waiting = BucketSet.empty();
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      if (!moving.has(bucket)) {
        this.#dueSince[bucket] = Infinity;
        continue;
      }
      this.#dueSince[bucket] = Math.min(this.#dueSince[bucket], now);
      const until = this.#dueSince[bucket] + this.#timeoutMs;
      if (now >= until || this.#busy?.has(bucket) === false) continue;
      waiting.add(bucket);
      this.#nextAt = Math.min(this.#nextAt, until);
    }
    this.#waiting = waiting;
    if (waiting.isEmpty) this.#busy = null; // what is known will be old when it is asked for again
    return waiting;
  }

  /** A node's reason to be in its state, with what an operator should know of those that wait. */
  explain(reason: string | null, now: Millis): string | null {
    if (!this.isWaiting) return reason;
    const longest = Math.max(0, ...[...this.#waiting].map((b) => this.#dueSince[b])) +
      this.#timeoutMs - now;
    const { size } = this.#waiting;
    return (reason === null ? "" : `${reason}; `) +
      `${size} ${size === 1 ? "bucket waits" : "buckets wait"} for open connections to end, ` +
      `${Math.ceil(longest / 1000)} s at most`;
  }
}
