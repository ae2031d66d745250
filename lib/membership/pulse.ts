/**
 * The rhythm of a node's own heartbeats: one every interval, and extra ones when something changed,
 * at most eight in an interval. An extra one does not put off the next regular one.
 */
import type { Millis } from "../ports.ts";

/** Send times that are remembered, for acknowledgements. */
const sentTimesKept = 1024;
const perIntervalMax = 8;
/** Hurried heartbeats of all nodes together in an interval: reading them must leave time for the rest. */
const hurriedByAllMax = 32;

export class Pulse {
  readonly #sentAt = new Float64Array(sentTimesKept).fill(-Infinity);
  #sequence = 0;
  #regularAt: Millis;
  #lastAt: Millis = -Infinity;
  #isHurried = false;
  /** How many others hear them. */
  peers = 0;

  constructor(readonly intervalMs: number, now: Millis) {
    this.#regularAt = now;
  }

  /** The newest sequence number that was sent; 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  /** All hear each of them, so in a large cluster each node may hurry less often. */
  get #spacingMs(): number {
    const perInterval = Math.max(2, Math.min(perIntervalMax, hurriedByAllMax / (this.peers + 1)));
    return this.intervalMs / perInterval;
  }

  /** When the next heartbeat is due. */
  get nextAt(): Millis {
    return this.#isHurried
      ? Math.min(this.#regularAt, this.#lastAt + this.#spacingMs)
      : this.#regularAt;
  }

  get isHurried(): boolean {
    return this.#isHurried;
  }

  /** Something changed that the others should know soon. */
  hurry(): void {
    this.#isHurried = true;
  }

  /** A heartbeat is sent now. */
  beat(now: Millis): void {
    this.#sequence++;
    this.#sentAt[this.#sequence % sentTimesKept] = now;
    this.#lastAt = now;
    this.#isHurried = false;
    if (now >= this.#regularAt) {
      this.#regularAt = Math.max(this.#regularAt + this.intervalMs, now + this.#spacingMs);
    }
  }

  /** None is sent, though one was due. */
  skip(now: Millis): void {
    this.#isHurried = false;
    this.#regularAt = now + this.intervalMs;
  }

  /** When a heartbeat was sent; -Infinity where that is not known (any more). */
  sentAt(sequence: number): Millis {
    const isKnown = sequence > 0 && sequence <= this.#sequence &&
      sequence > this.#sequence - sentTimesKept;
    return isKnown ? this.#sentAt[sequence % sentTimesKept] : -Infinity;
  }
}
