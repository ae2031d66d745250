/**
 * When a node without a lease says nothing, so that those that hear it take it for dead.
 *
 * Intuition: it handles nothing, and whoever hears it may have to wait for it: that it adopts the plan, or
 * that a third one hears it, too. Where hearing is not mutual, that may never come. Its silence is
 * what a cut would be, so the others need no rule for it. Now and then it speaks, since the network may
 * have healed in a direction that it cannot see; and at once when it hears a start that it did not hear before.
 */
import type { Millis } from "../ports.ts";

/**
 * What a node without a lease hears: nobody; somebody that holds a lease; or only such as hold none either,
 * where all may be in the same case, and wait for each other.
 */
export type Company = "nobody" | "serving" | "idle";

/** In detection times. */
const patience = 1;
/**
 * The first silence, the longest one, and speech in between. Each silence is twice as long as the one before, but
 * not more than `silenceMsMax`, if the first one is not: somebody waits for the node to be back.
 */
const manners = {
  // As short as may be: all others may be in the same case.
  nobody: { first: 1.5, longest: 1.5, speech: 62.5 },
  serving: { first: 4, longest: 32, speech: 1.5 },
};

const silenceMsMax = 10_000;

export class Withdrawal {
  #company: Company | null = null;
  #silentFrom: Millis = Infinity;
  #speaksFrom: Millis = -Infinity;
  /** Of the next silence, in detection times. */
  #length = 0;
  #newestAt: Millis = -Infinity;

  constructor(readonly detectionMs: number) {}

  /**
   * Whether this node says nothing now. `company`: null where it holds its lease, or takes no part.
   * `newestAt`: when a start was last heard that had not been heard before, or not any more.
   */
  isSilent(company: Company | null, newestAt: Millis, now: Millis): boolean {
    const isNews = newestAt > this.#newestAt || company !== this.#company;
    this.#newestAt = newestAt;
    this.#company = company;
    if (company === null || company === "idle") return false;
    const { first, longest, speech } = manners[company];
    if (isNews) {
      this.#silentFrom = now + patience * this.detectionMs;
      this.#speaksFrom = -Infinity;
      this.#length = first;
    }
    if (now < this.#speaksFrom) return true;
    if (now < this.#silentFrom) return false;
    this.#speaksFrom = now + this.#length * this.detectionMs;
    this.#silentFrom = this.#speaksFrom + speech * this.detectionMs;
    const most = Math.max(first, Math.min(longest, silenceMsMax / this.detectionMs));
    this.#length = Math.min(2 * this.#length, most);
    return true;
  }
}
