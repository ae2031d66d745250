/** The view: what the live nodes say of themselves and of each other, as the planner needs it. */
import type { LiveNode } from "../ownership/ownership.ts";
import type { PlanningNode } from "../ownership/planning.ts";
import { agree, referenceOf } from "./agreement.ts";
import { obstacleOf } from "./eligibility.ts";
import { takesPart, voters } from "./standing.ts";

/** The nodes that take part (ready or draining), sorted by name; `all` includes this node. */
export function planningNodes(
  all: readonly LiveNode[],
  options: { readonly shares: number },
): PlanningNode[] {
  const nodes = all.filter(takesPart)
    .sort((a, b) => a.heartbeat.name < b.heartbeat.name ? -1 : 1);
  const reference = referenceOf(voters(nodes));
  return nodes.map((node) => {
    const { incarnation, heartbeat } = node;
    const { name, state, weight, claims, claimGroup, planEpoch, planDigest, forfeited } = heartbeat;
    return {
      ...{ incarnation, name, state, weight, claims, claimGroup, planEpoch, planDigest, forfeited },
      canGain: reference !== null && agree(reference, node),
      eligible: state === "ready" && obstacleOf(node, nodes, options.shares) === null,
    };
  });
}

/** Changes whenever the planner has to look anew. */
export function viewKey(nodes: readonly PlanningNode[]): string {
  return nodes.map(({ incarnation, state, weight, eligible, canGain, forfeited }) =>
    `${incarnation} ${state} ${weight} ${eligible} ${canGain} ${forfeited}`
  ).join();
}
