/**
 * What the replication is to do, and what it has done, in terms of buckets: whose flows are sent to whom,
 * and which of them a backup has acknowledged wholly.
 */
import type { ReplicationOrders } from "../ports.ts";
import type { Heartbeat } from "../wire/heartbeat.ts";
import { BucketSet } from "./bucket_set.ts";
import type { Ownership } from "./ownership.ts";
import { isMember } from "./plan.ts";

/** A live peer, and what of our claims it has acknowledged everything of. */
interface Backup {
  readonly name: string;
  readonly incarnation: string;
  readonly addresses: readonly string[];
  readonly heartbeat: Heartbeat;
  readonly proven: BucketSet;
}

/** `isReady`: this node is; only then it drops what is none of its ranks. */
export function replicationOrders(
  ownership: Ownership,
  live: readonly Backup[],
  { isReady, tellBusy }: { readonly isReady: boolean; readonly tellBusy: boolean },
): ReplicationOrders {
  const { plan, claims, self } = ownership;
  const isSettled = isReady && isMember(plan, self.incarnation);
  return {
    epoch: plan?.epoch ?? 0,
    claims,
    keeps: isSettled ? ownership.ranked().union(claims) : BucketSet.all(),
    tellBusy,
    peers: live.map((peer) => ({
      name: peer.name,
      incarnation: peer.incarnation,
      addresses: peer.addresses,
      holds: holdsOf(peer, ownership, claims),
    })),
  };
}

/** What of our claims a peer must have: all while it syncs or is not planned in, else its ranks. */
function holdsOf(
  { heartbeat, incarnation }: Backup,
  ownership: Ownership,
  claims: BucketSet,
): BucketSet {
  if (heartbeat.state === "joining") return BucketSet.empty();
  if (!isMember(ownership.plan, incarnation)) return claims;
  return claims.intersection(ownership.ranked(incarnation));
}

export function isSameOrders(a: ReplicationOrders, b: ReplicationOrders): boolean {
  return a.epoch === b.epoch && a.claims.equals(b.claims) && a.keeps.equals(b.keeps) &&
    a.tellBusy === b.tellBusy &&
    a.peers.length === b.peers.length &&
    a.peers.every((peer, i) =>
      peer.incarnation === b.peers[i].incarnation && peer.holds.equals(b.peers[i].holds) &&
      isSameList(peer.addresses, b.peers[i].addresses)
    );
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((item, i) => item === b[i]));
}

/** Claims of which a live backup has acknowledged everything. */
export function provenClaims(ownership: Ownership, live: readonly Backup[]): BucketSet {
  const { claims } = ownership;
  return live.reduce((all, { heartbeat, incarnation, proven }) => {
    if (heartbeat.state !== "ready") return all;
    const backed = ownership.ranked(incarnation).intersection(proven);
    return all.union(backed.intersection(claims));
  }, BucketSet.empty());
}
