/**
 * Owners that an operator has asked for (`avail plan --balance --apply`): they count for the next plan
 * of this node, and are forgotten then. The planner keeps what is within its bounds where it is, so
 * what was wished stays without anybody remembering it.
 */
import type { Millis } from "../ports.ts";

/** For each bucket that is to move, by number: the node's name. */
export type WishedOwners = readonly (readonly [bucket: number, owner: string])[];

export class Wish {
  #owners: WishedOwners = [];
  #until: Millis = -Infinity;

  /** Forgotten at `until`: a node that plans only later must not come back to it. */
  ask(owners: WishedOwners, until: Millis): void {
    this.#owners = owners;
    this.#until = until;
  }

  /** What is wished now; from then on nothing is. */
  take(now: Millis): ReadonlyMap<number, string> {
    const owners = now < this.#until ? this.#owners : [];
    this.#owners = [];
    return new Map(owners);
  }
}
