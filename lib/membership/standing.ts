/** How each member stands: whether it may own buckets, and whether it agrees with the others. */
import type { LiveNode } from "../ownership/ownership.ts";
import { agree, differences, referenceOf, type Topic } from "./agreement.ts";
import { type Obstacle, obstacleOf } from "./eligibility.ts";

export interface Standing {
  /** Ready, and nothing is in its way. */
  readonly eligible: boolean;
  readonly obstacle: Obstacle | null;
  /** In what it differs from `differsFrom`; empty: it agrees. */
  readonly differs: readonly Topic[];
  /** Names of the nodes whose configuration counts. */
  readonly differsFrom: readonly string[];
}

/** The standing of every node, by incarnation; `all` includes this node. */
export function standingsOf(all: readonly LiveNode[], shares: number): Map<string, Standing> {
  const byName = all.toSorted((a, b) => a.heartbeat.name < b.heartbeat.name ? -1 : 1);
  const serving = byName.filter(takesPart);
  const reference = referenceOf(voters(byName));
  const meant = reference === null ? [] : voters(byName).filter((node) => agree(node, reference));
  const differsFrom = meant.map(({ heartbeat }) => heartbeat.name);
  return new Map(all.map((node) => {
    const obstacle = obstacleOf(node, serving, shares);
    const differs = reference === null ? [] : differences(reference.heartbeat, node.heartbeat);
    return [node.incarnation, {
      eligible: node.heartbeat.state === "ready" && obstacle === null,
      obstacle,
      differs,
      differsFrom: differs.length === 0 ? [] : differsFrom,
    }];
  }));
}

/** Ready or draining: nodes that handle traffic, or may. */
export function takesPart({ heartbeat: { state } }: LiveNode): boolean {
  return state === "ready" || state === "draining";
}

/** Those whose configuration is asked for: the ready ones; where there are none, all. */
export function voters(byName: readonly LiveNode[]): readonly LiveNode[] {
  const ready = byName.filter(({ heartbeat }) => heartbeat.state === "ready");
  return ready.length > 0 ? ready : byName;
}
