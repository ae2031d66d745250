/** This node's lease over time: renewed, lost for a moment and mended, or lost for good. */
import type { Millis } from "../ports.ts";
import { type LeasePeer, type LeaseTerms, leaseUntil, majorityUntil } from "./lease.ts";

export type LeaseNews = "none" | "lost" | "regained";

export class LeaseKeeper {
  #until: Millis;
  #lapsedAt: Millis | null = null;
  /** A majority that has let go may have given everything away at once: there is nothing to mend. */
  #majorityUntil: Millis = Infinity;

  /** `until`: that of a datapath that was adopted, else 0. */
  constructor(until: Millis) {
    this.#until = until;
  }

  get until(): Millis {
    return this.#until;
  }

  isHeld(now: Millis): boolean {
    return now < this.#until;
  }

  /**
   * What the peers' acknowledgements allow now. `mayShorten` false: a former daemon's lease stands
   * until this one has earned its own.
   */
  renew(
    peers: readonly LeasePeer[],
    terms: LeaseTerms,
    mayShorten: boolean,
    now: Millis,
  ): LeaseNews {
    const earned = leaseUntil(peers, terms, now);
    const before = this.#until;
    this.#majorityUntil = majorityUntil(terms);
    this.#until = mayShorten ? earned : Math.max(earned, before);
    if (this.#until > now) {
      const wasLost = this.#lapsedAt !== null;
      this.#lapsedAt = null;
      return wasLost ? "regained" : "none";
    }
    if (this.#lapsedAt !== null) return "none";
    this.#lapsedAt = Math.min(now, before);
    return "lost";
  }

  giveUp(): void {
    this.#until = 0;
    this.#lapsedAt = null;
    this.#majorityUntil = Infinity;
  }

  /** When a lease that has ended is past mending: `graceMs` later; Infinity while there is none. */
  lostForGoodAt(graceMs: number): Millis {
    if (this.#until === 0) return Infinity;
    return Math.min((this.#lapsedAt ?? this.#until) + graceMs, this.#majorityUntil);
  }
}
