/** Views of a cluster that has a plan, for tests of what could be planned next. */
import { type Candidate, type PlannerInput, planRanks } from "../../lib/ownership/planner.ts";
import type { Random } from "../sim/random.ts";

export const bucketNumbers = Array.from({ length: 256 }, (_, bucket) => bucket);

/** Nodes `fw1`, `fw2`, … of these weights, with a first plan. */
export function planned(
  weights: readonly number[],
  backupCount = 1,
): PlannerInput & { readonly candidates: readonly Candidate[] } {
  const candidates = weights.map((weight, i) => ({ name: `fw${i + 1}`, weight, canGain: true }));
  const empty = {
    candidates,
    owners: bucketNumbers.map(() => -1),
    backups: bucketNumbers.map(() => []),
    backupCount,
  };
  return afterRanks(empty, planRanks(empty));
}

/** The view in which those ranks are in force. */
export function afterRanks<I extends PlannerInput>(
  input: I,
  ranks: readonly (readonly number[])[],
): I {
  return {
    ...input,
    owners: ranks.map(([owner]) => owner),
    backups: ranks.map(([, ...backups]) => backups),
  };
}

/** Traffic as it is: most buckets have little, a few have much. */
export function skewedLoad(random: Random): number[] {
  return bucketNumbers.map(() => Math.round(10 / (0.005 + random.next())));
}

/** The sum of `load` by owner, and the number of buckets. */
export function perNode(
  owners: readonly number[],
  load: readonly number[],
  nodes: number,
): { readonly loads: number[]; readonly counts: number[] } {
  const loads = new Array<number>(nodes).fill(0), counts = new Array<number>(nodes).fill(0);
  owners.forEach((owner, bucket) => {
    loads[owner] += load[bucket];
    counts[owner]++;
  });
  return { loads, counts };
}
