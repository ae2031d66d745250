/** Whether a node may own buckets, and if not, why. */
import type { LiveNode } from "../ownership/ownership.ts";

export type Obstacle =
  /** Its checks fail. */
  | { readonly kind: "checks" }
  /** A share has no carrier there. */
  | { readonly kind: "no carrier"; readonly share: number }
  /** Others hear each other on a share, and nobody hears it. */
  | { readonly kind: "not heard"; readonly share: number }
  /** Others hear each other on a share, and it hears nobody. */
  | { readonly kind: "hears nobody"; readonly share: number };

/**
 * What keeps a node from owning buckets; null: nothing. Its checks pass, its shares have carrier, and
 * it hears and is heard on every share on which others hear each other: a share that is dead behind
 * its first switch, in whichever direction, must not swallow traffic.
 *
 * `nodes`: those that take part, with or without this one.
 */
export function obstacleOf(
  node: LiveNode,
  nodes: readonly LiveNode[],
  shares: number,
): Obstacle | null {
  if (node.heartbeat.unfit) return { kind: "checks" };
  const others = nodes.filter((other) => other.incarnation !== node.incarnation);
  for (let share = 0; share < shares; share++) {
    if ((node.heartbeat.carriers >> share & 1) === 0) return { kind: "no carrier", share };
    const isHeard = others.some((other) => hears(other, node, share));
    const hearsSome = others.some((other) => hears(node, other, share));
    if (isHeard && hearsSome) continue;
    if (!others.some((a) => others.some((b) => a !== b && hears(a, b, share)))) continue;
    return { kind: isHeard ? "hears nobody" : "not heard", share };
  }
  return null;
}

function hears(from: LiveNode, to: LiveNode, share: number): boolean {
  const heard = from.heartbeat.peers.find((peer) => peer.incarnation === to.incarnation);
  return ((heard?.heardOn ?? 0) >> share & 1) === 1;
}
