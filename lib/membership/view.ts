/** The view: what the live nodes say of themselves and of each other, as the planner needs it. */
import type { LiveNode } from "../ownership/ownership.ts";
import type { PlanningNode } from "../ownership/planning.ts";
import { heardMutually } from "../wire/heartbeat.ts";
import { agree, referenceOf } from "./agreement.ts";
import { obstacleOf } from "./eligibility.ts";
import { takesPart, voters } from "./standing.ts";

export interface ViewOptions {
  readonly shares: number;
  /** As `NodeOptions.partition`. */
  readonly partition: "serve" | "majority";
}

/** The nodes that take part (ready or draining), sorted by name; `all` includes this node. */
export function planningNodes(all: readonly LiveNode[], options: ViewOptions): PlanningNode[] {
  // Who has given up everything takes part again when it could handle something.
  const nodes = all.filter((node) =>
    takesPart(node) && (node.heartbeat.leaseHeld || !node.heartbeat.forfeited)
  ).sort((a, b) => a.heartbeat.name < b.heartbeat.name ? -1 : 1);
  const reference = referenceOf(voters(nodes));
  const incarnations = new Set(nodes.map(({ incarnation }) => incarnation));
  const degreeHere = (node: LiveNode) =>
    mutual(node).filter((incarnation) => incarnations.has(incarnation)).length;
  const degreeMax = Math.max(...nodes.map(degreeHere));
  return nodes.map((node) => {
    const { incarnation, heartbeat } = node;
    const { name, state, weight, claims, claimGroup, planEpoch, planDigest } = heartbeat;
    const { leaseHeld, forfeited } = heartbeat;
    // Where another one takes part whom it does not hear, a majority lets it take nothing that is nobody's.
    const mayInherit = options.partition === "serve" || degreeHere(node) === degreeMax;
    return {
      ...{ incarnation, name, state, weight, claims, claimGroup, planEpoch, planDigest },
      ...{ leaseHeld, forfeited, degree: mutual(node).length },
      canGain: mayInherit && reference !== null && agree(reference, node),
      eligible: state === "ready" && obstacleOf(node, nodes, options.shares) === null,
    };
  });
}

/** The starts that it hears and that hear it. */
function mutual({ heartbeat }: LiveNode): readonly string[] {
  return heartbeat.peers.flatMap(({ incarnation, heardOn }) =>
    (heardOn & heardMutually) === 0 ? [] : [incarnation]
  );
}

/**
 * Who makes the plans, of those that are ready and hold their leases: the one that hears most nodes mutually, so
 * that two that do not hear each other leave it to a third that hears both; then the first by name.
 */
export function plannerOf(nodes: readonly PlanningNode[]): PlanningNode | undefined {
  const able = nodes.filter(({ state, leaseHeld }) => state === "ready" && leaseHeld);
  const most = Math.max(...able.map(({ degree }) => degree));
  return able.find(({ degree }) => degree === most);
}

/** Changes whenever the planner has to look anew. */
export function viewKey(nodes: readonly PlanningNode[]): string {
  const planner = plannerOf(nodes);
  return nodes.map((node) => {
    const { incarnation, state, weight, eligible, canGain, forfeited } = node;
    return `${incarnation} ${state} ${weight} ${eligible} ${canGain} ${forfeited} ${
      node === planner
    }`;
  }).join();
}
