/**
 * One check's memory: single results go in, a verdict comes out. It takes `rise` successes in a row to
 * believe that something works, and `fall` failures in a row to believe that it does not, so that one
 * lost packet moves nothing.
 */
import type { Millis } from "../ports.ts";

/** One try: null where it succeeded, else what went wrong, in a few words. */
export type CheckResult = string | null;

export class CheckState {
  /** null: no verdict yet. */
  #ok: boolean | null = null;
  #since: Millis;
  #lastError: string | null = null;
  /** Results in a row that speak against the verdict. */
  #against = 0;

  /** `former`: of the same check before its configuration was changed; its verdict stands. */
  constructor(
    readonly limits: { readonly rise: number; readonly fall: number },
    now: Millis,
    former: CheckState | null = null,
  ) {
    this.#ok = former?.ok ?? null;
    this.#since = former?.since ?? now;
    this.#lastError = former?.lastError ?? null;
  }

  get ok(): boolean | null {
    return this.#ok;
  }

  /** When the verdict last changed; before the first one, when it began. */
  get since(): Millis {
    return this.#since;
  }

  /** What went wrong when it last failed; null: it has never failed. */
  get lastError(): string | null {
    return this.#lastError;
  }

  /** True where the verdict has changed. Before any verdict one failure is one: nothing is lost by it. */
  take(error: CheckResult, now: Millis): boolean {
    const isGood = error === null;
    if (!isGood) this.#lastError = error;
    if (isGood === this.#ok) {
      this.#against = 0;
      return false;
    }
    this.#against++;
    const { rise, fall } = this.limits;
    const needed = isGood ? rise : this.#ok === null ? 1 : fall;
    if (this.#against < needed) return false;
    this.#ok = isGood;
    this.#against = 0;
    this.#since = now;
    return true;
  }
}
