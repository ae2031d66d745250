/**
 * What a change would move, before anything is done: the planner asked about a view that is not yet.
 * It is the very function that plans, so what is told is what would happen.
 */
import { balancedOwners } from "./balance.ts";
import { type PlannerInput, planRanks } from "./planner.ts";

export type PlanChange =
  /** A node is drained, or leaves. */
  | { readonly kind: "without"; readonly node: string }
  | { readonly kind: "weight"; readonly node: string; readonly weight: number }
  /** Hot buckets are exchanged for cold ones. */
  | { readonly kind: "balance" };

export interface PlanMove {
  readonly bucket: number;
  /** null: nobody has it. */
  readonly from: string | null;
  readonly to: string;
  /** The new owner is a backup of it: it has the flows already. */
  readonly hasFlows: boolean;
}

export interface PlanNode {
  readonly name: string;
  /** After the change; null for one that is no candidate any more. */
  readonly weight: number | null;
  readonly buckets: number;
  readonly bucketsThen: number;
  /** Sums over its buckets; null where one of them is not known. */
  readonly load: number | null;
  readonly loadThen: number | null;
}

export interface PlanEffect {
  /** In the order of the candidates. */
  readonly nodes: readonly PlanNode[];
  readonly moves: readonly PlanMove[];
  /** Buckets whose flows go to a node that had them neither as owner nor as backup. */
  readonly copies: number;
  /** Buckets that have no backup afterwards. */
  readonly withoutBackup: number;
  /**
   * The traffic of the busiest node by its share, 1 if all is even; null where it is not known, or
   * where there is none.
   */
  readonly busiest: number | null;
  readonly busiestThen: number | null;
  /** For each bucket its owner afterwards. */
  readonly owners: readonly string[];
}

/**
 * `load`: the traffic of each bucket in any unit, null where it is not known. Throws `RangeError`
 * with what is wrong: an unknown node, nobody left, or traffic that is not known but has to be.
 */
export function effectOf(
  input: PlannerInput,
  change: PlanChange,
  load: readonly (number | null)[],
): PlanEffect {
  const names = input.candidates.map(({ name }) => name);
  const asked = "node" in change ? names.indexOf(change.node) : -1;
  if ("node" in change && asked < 0) {
    throw new RangeError(`"${change.node}" is no node that may own buckets; ${listed(names)}`);
  }
  const ranks = ranksAfter(input, change, asked, load);
  const owners = ranks.map(([owner]) => owner);
  const sum = (of: readonly number[], node: number) =>
    of.reduce<number | null>((total, owner, bucket) => {
      const one = owner === node ? load[bucket] : 0;
      return total === null || one === null ? null : total + one;
    }, 0);
  const count = (of: readonly number[], node: number) => of.filter((o) => o === node).length;
  const before = input.owners.map((owner, bucket) => [owner, ...input.backups[bucket]]);
  const nodes = names.map((name, i) => ({
    name,
    weight: weightAfter(input, change, i),
    buckets: count(input.owners, i),
    bucketsThen: count(owners, i),
    load: sum(input.owners, i),
    loadThen: sum(owners, i),
  }));
  const weights = input.candidates.map(({ weight }) => weight);
  const weightsThen = nodes.map(({ weight }) => weight ?? 0);
  return {
    nodes,
    busiest: busiestOf(nodes.map(({ load }) => load), weights),
    busiestThen: busiestOf(nodes.map(({ loadThen }) => loadThen), weightsThen),
    moves: owners.flatMap((to, bucket) => {
      const from = input.owners[bucket];
      if (from === to) return [];
      const hasFlows = input.backups[bucket].includes(to);
      return [{ bucket, from: names[from] ?? null, to: names[to], hasFlows }];
    }),
    copies: ranks.filter((rank, bucket) => rank.some((node) => !before[bucket].includes(node)))
      .length,
    withoutBackup: ranks.filter((rank) => rank.length < 2).length,
    owners: owners.map((owner) => names[owner]),
  };
}

/** For each bucket the owner and its backups afterwards, as indices of the present candidates. */
function ranksAfter(
  input: PlannerInput,
  change: PlanChange,
  asked: number,
  load: readonly (number | null)[],
): number[][] {
  switch (change.kind) {
    case "without":
      return ranksWithout(input, asked);
    case "weight": {
      const candidates = input.candidates.with(asked, {
        ...input.candidates[asked],
        weight: change.weight,
      });
      return planRanks({ ...input, candidates });
    }
    case "balance": {
      if (input.units !== undefined) {
        throw new RangeError("whole slots cannot be balanced: their traffic is not counted");
      }
      const known = load.filter((each) => each !== null);
      if (known.length < load.length) {
        throw new RangeError(`the traffic of ${load.length - known.length} buckets is not known`);
      }
      return planRanks({ ...input, owners: balancedOwners(input, known) });
    }
  }
}

function ranksWithout(input: PlannerInput, gone: number): number[][] {
  if (input.candidates.length === 1) {
    throw new RangeError(`"${input.candidates[0].name}" is the only one; nobody would be left`);
  }
  const there = (old: number) => old === gone ? -1 : old > gone ? old - 1 : old;
  const back = (now: number) => now >= gone ? now + 1 : now;
  return planRanks({
    ...input,
    candidates: input.candidates.filter((_, i) => i !== gone),
    owners: input.owners.map(there),
    backups: input.backups.map((each) => each.filter((i) => i !== gone).map(there)),
  }).map((rank) => rank.map(back));
}

/** The highest load as a multiple of its owner's share. */
function busiestOf(
  loads: readonly (number | null)[],
  weights: readonly number[],
): number | null {
  const known = loads.filter((load) => load !== null);
  const total = known.reduce((sum, load) => sum + load, 0);
  if (known.length < loads.length || total === 0) return null;
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
  return Math.max(
    ...known.map((load, i) => weights[i] > 0 ? load * totalWeight / (weights[i] * total) : 0),
  );
}

function weightAfter({ candidates }: PlannerInput, change: PlanChange, i: number): number | null {
  if ("node" in change && change.node === candidates[i].name) {
    return change.kind === "weight" ? change.weight : null;
  }
  return candidates[i].weight;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "there is none now" : `those are ${names.join(", ")}`;
}
