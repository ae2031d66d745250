/** How much of something may happen: so much at once, and then so much a second. */
export class Allowance {
  #left: number;
  #at = -Infinity;

  constructor(readonly perSecond: number, readonly atOnceMax: number) {
    this.#left = atOnceMax;
  }

  /** Whether there is any left; `now` in milliseconds that only rise. */
  has(now: number): boolean {
    if (this.#at === -Infinity) this.#at = now;
    this.#left = Math.min(this.atOnceMax, this.#left + (now - this.#at) / 1000 * this.perSecond);
    this.#at = now;
    return this.#left >= 1;
  }

  spend(): void {
    this.#left = Math.max(0, this.#left - 1);
  }
}
