/** What all checks of a node say together. */

export interface Verdict {
  /** Some check has no verdict yet. */
  readonly pending: boolean;
  /** The node's weight is to be multiplied by this; 0: it may own no buckets. */
  readonly factor: number;
  /** Names of the checks that fail. */
  readonly failing: readonly string[];
}

/** Of a node without checks. */
export const healthy: Verdict = { pending: false, factor: 1, failing: [] };

/** The worst check decides; one without a verdict counts as if it failed. */
export function verdictOf(
  checks: readonly {
    readonly name: string;
    readonly ok: boolean | null;
    readonly weight: number;
  }[],
): Verdict {
  const bad = checks.filter(({ ok }) => ok !== true);
  return {
    pending: checks.some(({ ok }) => ok === null),
    factor: bad.reduce((least, { weight }) => Math.min(least, weight), 1),
    failing: checks.filter(({ ok }) => ok === false).map(({ name }) => name),
  };
}

export function isSameVerdict(a: Verdict, b: Verdict): boolean {
  return a.pending === b.pending && a.factor === b.factor && a.failing.join() === b.failing.join();
}
