/** A check is a pure function: facts of the machine in, what is to be said of them out. */
import type { Outcome } from "./finding.ts";
import type { Setup } from "./setup.ts";

export interface Check<Facts> {
  /** A stable name: `avail doctor NAME` makes this check alone. */
  readonly id: string;
  /** What it looks at, in a line. */
  readonly brief: string;
  /** Nothing where it does not apply. */
  readonly examine: (facts: Facts, setup: Setup) => readonly Outcome[];
}

/** Checks that look at the same facts. */
export interface Group<Name extends string, Facts> {
  readonly name: Name;
  /** Its heading on the screen. */
  readonly title: string;
  readonly checks: readonly Check<Facts>[];
}
