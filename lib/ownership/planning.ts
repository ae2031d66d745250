/**
 * From a stable view to the next plan: the planner's arithmetic in terms of nodes and claims.
 */
import { bucketCount, BucketSet } from "./bucket_set.ts";
import { strongestFirst } from "./claim.ts";
import { type Plan, sealPlan } from "./plan.ts";
import { type PlannerInput, planRanks } from "./planner.ts";
import type { NodeState } from "../control.ts";

/** A ready or draining node, as the planner sees it. */
export interface PlanningNode {
  readonly incarnation: string;
  readonly name: string;
  readonly state: NodeState;
  readonly weight: number;
  readonly claims: BucketSet;
  /** As `Claim.claimGroup`. */
  readonly claimGroup: number;
  readonly planEpoch: number;
  readonly planDigest: string;
  readonly leaseHeld: boolean;
  /** How many starts it hears that hear it, be they of this view or not. */
  readonly degree: number;
  readonly forfeited: boolean;
  /** It agrees in what must be equal on all nodes. */
  readonly canGain: boolean;
  /** It may own buckets. */
  readonly eligible: boolean;
}

export interface PlanningInput {
  readonly self: string;
  /** Sorted by name. */
  readonly nodes: readonly PlanningNode[];
  readonly present: Plan | null;
  readonly backups: number | "all";
  readonly group: number;
  /** As `PlannerInput.units`. */
  readonly units?: number | undefined;
  /** Owners that were asked for, by bucket: names of nodes. Each counts where its node may gain. */
  readonly wished?: ReadonlyMap<number, string>;
  /** A plan of a lower epoch does not serve any more. */
  readonly epochMin?: number;
}

/** The plan that should replace the present one; null where that still serves. */
export function nextPlan(input: PlanningInput): Plan | null {
  const { self, nodes, present, group, epochMin = 0 } = input;
  const candidates = candidatesOf(nodes);
  if (candidates.length === 0) return null; // nobody is eligible: owners stay
  const members = nodes.map(({ name, incarnation }) => ({ name, incarnation }));
  const memberOf = candidates.map((candidate) => nodes.indexOf(candidate));
  const ranks = planRanks(plannerInput(input)).map((row) => row.map((i) => memberOf[i]));

  const content = { planner: self, group, members, ranks };
  const unchanged = present !== null && present.epoch >= epochMin &&
    // Who gave up its ranks in an earlier plan has them anew as soon as it hears of this one.
    !candidates.some((node) => node.forfeited && node.planDigest === present.digest) &&
    nodes.every((node) => node.planDigest === present.digest || node.planEpoch < present.epoch) &&
    JSON.stringify([present.members, present.ranks]) === JSON.stringify([members, ranks]);
  if (unchanged) return null;
  // Whoever holds an earlier plan is being sent this one; a later or equal one comes from a cluster
  // that was cut off, and both give way to a third.
  const epochs = nodes.map((node) => node.planEpoch);
  const epoch = Math.max(present?.epoch ?? 0, epochMin - 1, ...epochs) + 1;
  return sealPlan({ ...content, epoch });
}

/** What the planner is asked in such a view. */
export function plannerInput(
  input: Omit<PlanningInput, "self" | "group" | "epochMin">,
): PlannerInput {
  const { nodes, present, backups, units, wished } = input;
  const candidates = candidatesOf(nodes);
  // The present plan's members: as nodes of this view, and as candidates; undefined and -1: not there.
  const nodeOf =
    present?.members.map(({ incarnation }) =>
      nodes.find((node) => node.incarnation === incarnation)
    ) ?? [];
  const candidateOf = (node: PlanningNode | undefined) => node ? candidates.indexOf(node) : -1;
  const candidateOfMember = nodeOf.map(candidateOf);
  const claimants = strongestFirst(nodes);
  const wishedFor = (bucket: number) => {
    const wish = wished?.get(bucket);
    return wish === undefined
      ? -1
      : candidates.findIndex(({ name, canGain }) => canGain && name === wish);
  };
  return {
    candidates: candidates.map(({ name, weight, canGain }) => ({ name, weight, canGain })),
    owners: Array.from({ length: bucketCount }, (_, bucket) => {
      const holder = claimants.find((node) => node.claims.has(bucket));
      const first = present?.ranks[bucket].at(0);
      const planned = first === undefined ? undefined : nodeOf[first];
      // Where the plan's owner is at hand, the bucket is there or on its way there. A holder by
      // another plan (a healed partition) or instead of one that forfeited keeps it.
      const onItsWay = planned !== undefined && candidateOfMember[first!] >= 0 &&
        !planned.forfeited &&
        (holder === undefined || holder.planDigest === present?.digest);
      if (onItsWay && wishedFor(bucket) >= 0) return wishedFor(bucket);
      const held = candidateOf(onItsWay ? planned : holder);
      if (held >= 0) return held;
      // Its holder may own none, and cannot be told so: one that hears nobody.
      return planned?.forfeited === false ? candidateOf(planned) : -1;
    }),
    backups: Array.from(
      { length: bucketCount },
      (_, bucket) =>
        present?.ranks[bucket].slice(1).map((member) => candidateOfMember[member])
          .filter((i) => i >= 0) ?? [],
    ),
    backupCount: backups === "all" ? candidates.length - 1 : backups,
    ...(units === undefined ? {} : { units }),
  };
}

/**
 * The eligible nodes; where nobody is and some bucket has no owner at all, all that are ready: rather
 * one that should not than nobody. Sorted by name, as `nodes` are.
 */
export function candidatesOf(nodes: readonly PlanningNode[]): readonly PlanningNode[] {
  const eligible = nodes.filter((node) => node.eligible);
  if (eligible.length > 0) return eligible;
  const claimed = nodes.reduce((all, { claims }) => all.union(claims), BucketSet.empty());
  return claimed.size === bucketCount ? [] : nodes.filter(({ state }) => state === "ready");
}
