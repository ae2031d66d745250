/** The view: what the live nodes say of themselves and of each other, as the planner needs it. */
import type { LiveNode } from "../ownership/ownership.ts";
import type { PlanningNode } from "../ownership/planning.ts";

/** The nodes that take part (ready or draining), sorted by name; `all` includes this node. */
export function planningNodes(
  all: readonly LiveNode[],
  options: { readonly configDigest: string; readonly shares: number },
): PlanningNode[] {
  const nodes = all.filter(({ heartbeat }) =>
    heartbeat.state === "ready" || heartbeat.state === "draining"
  );
  return nodes.map((node) => {
    const { incarnation, heartbeat } = node;
    const { name, state, weight, claims, planEpoch, planDigest, forfeited } = heartbeat;
    return {
      ...{ incarnation, name, state, weight, claims, planEpoch, planDigest, forfeited },
      canGain: heartbeat.configDigest === options.configDigest,
      eligible: state === "ready" && reachesAllShares(node, nodes, options.shares),
    };
  }).sort((a, b) => a.name < b.name ? -1 : 1);
}

/**
 * Its shares have carrier, and it is heard on every share on which others hear each other: a share
 * that is dead behind its first switch must not swallow traffic.
 */
function reachesAllShares(node: LiveNode, nodes: readonly LiveNode[], shares: number): boolean {
  const others = nodes.filter((other) => other !== node);
  for (let share = 0; share < shares; share++) {
    if ((node.heartbeat.carriers >> share & 1) === 0) return false;
    const isHeard = others.some((other) => hears(other, node, share));
    const othersAre = others.some((a) => others.some((b) => a !== b && hears(a, b, share)));
    if (!isHeard && othersAre) return false;
  }
  return true;
}

function hears(from: LiveNode, to: LiveNode, share: number): boolean {
  const heard = from.heartbeat.peers.find((peer) => peer.incarnation === to.incarnation);
  return ((heard?.heardOn ?? 0) >> share & 1) === 1;
}

/** Changes whenever the planner has to look anew. */
export function viewKey(nodes: readonly PlanningNode[]): string {
  return JSON.stringify(nodes.map((node) => [
    node.incarnation,
    node.state,
    node.weight,
    node.eligible,
    node.canGain,
    node.forfeited,
  ]));
}
