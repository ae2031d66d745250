/**
 * The configuration gate: whether the nodes agree in what must be equal on all of them, and who
 * differs in what.
 *
 * Intuition: which packets a node answers for must not depend on which of two configurations it has.
 * What most nodes say is taken for meant; a node that says something else keeps what it has and is
 * given nothing, until it agrees.
 */
import type { LiveNode } from "../ownership/ownership.ts";
import type { Heartbeat } from "../wire/heartbeat.ts";

/** What must agree, by topic. On the wire a topic is its place here: the list is only appended to. */
export const topics = ["shares", "seed", "nat", "settings", "datapath", "ruleset"] as const;

/** `configuration`: something differs, and the node does not say what (it speaks version 1). */
export type Topic = typeof topics[number] | "configuration";

/** A topic of which a node does not tell. */
export const untold = "00000000";

export type Agreed = Pick<Heartbeat, "configDigest" | "topics">;

/** In what two nodes differ; what one of them does not tell is not compared. */
export function differences(a: Agreed, b: Agreed): Topic[] {
  const differing: Topic[] = topics.filter((_, i) => {
    const [one, other] = [a.topics[i] ?? untold, b.topics[i] ?? untold];
    return one !== other && one !== untold && other !== untold;
  });
  const isExplained = differing.some((topic) => topic !== "ruleset");
  if (a.configDigest !== b.configDigest && !isExplained) differing.unshift("configuration");
  return differing;
}

/**
 * The node whose configuration counts: most nodes agree with it; among equals, those that hold more
 * buckets, then the smaller name. `nodes` are sorted by name; null where there are none.
 */
export function referenceOf(nodes: readonly LiveNode[]): LiveNode | null {
  const first = nodes[0];
  if (first === undefined) return null;
  if (nodes.every((node) => isSame(node.heartbeat, first.heartbeat))) return first;
  const standing = nodes.map((node) => {
    const agreeing = nodes.filter((other) => agree(node, other));
    const buckets = agreeing.reduce((sum, { heartbeat }) => sum + heartbeat.claims.size, 0);
    return { node, voices: agreeing.length, buckets };
  });
  return standing.reduce((best, each) =>
    each.voices > best.voices || (each.voices === best.voices && each.buckets > best.buckets)
      ? each
      : best
  ).node;
}

/** Whether nothing of what both tell differs. */
export function agree(a: LiveNode, b: LiveNode): boolean {
  return a === b || isSame(a.heartbeat, b.heartbeat) ||
    differences(a.heartbeat, b.heartbeat).length === 0;
}

function isSame(a: Agreed, b: Agreed): boolean {
  return a.configDigest === b.configDigest &&
    (a.topics === b.topics || a.topics.join() === b.topics.join());
}
