/**
 * Takes a running cluster over in place: nodes whose datapaths are on already, and that get their
 * daemons one after the other.
 *
 * Intuition: in a cluster that runs, every unit is on at some node. So as long as the nodes that are
 * heard do not have all units between them, there is a node without a daemon that serves the rest, and
 * to switch that on here would be to answer twice. When they have all of them, everybody is met.
 */
import { bucketCount, BucketSet } from "../ownership/bucket_set.ts";
import { wholeUnits } from "../ownership/units.ts";

export class InPlace {
  #isInsisted = false;

  constructor(readonly units = bucketCount) {}

  /** The administrator says that no other node serves: there is nobody to wait for. */
  insist(): void {
    this.#isInsisted = true;
  }

  /**
   * Why a node must wait, given what is claimed at the nodes that are heard, itself included; null:
   * nothing was on anywhere, or all of it has been met.
   */
  waitsFor(claims: readonly BucketSet[]): string | null {
    const met = claims.reduce((all, some) => all.union(some), BucketSet.empty());
    if (met.isEmpty || this.#isInsisted) return null;
    const whole = wholeUnits(met, this.units);
    const missing = Array.from({ length: this.units }, (_, unit) => unit + 1)
      .filter((slot) => !whole.includes(slot - 1));
    if (missing.length === 0) return null;
    return `taking over in place: no node with avail has ${
      missing.length === 1 ? "slot" : "slots"
    } ${
      missing.join(", ")
    }; start avail where they are on, or, if they are on nowhere: avail resume`;
  }
}
