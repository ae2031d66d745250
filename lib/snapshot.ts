/** The core's state at one moment, as `avail status` and the tests look at it. */
import type { Planning } from "./control.ts";
import { bitsOf, type Peer } from "./membership/peer.ts";
import { standingsOf } from "./membership/standing.ts";
import { plannerOf, planningNodes } from "./membership/view.ts";
import type { Snapshot } from "./node_types.ts";
import { bucketCount, BucketSet } from "./ownership/bucket_set.ts";
import { strongestFirst } from "./ownership/claim.ts";
import type { LiveNode } from "./ownership/ownership.ts";
import type { Plan } from "./ownership/plan.ts";
import { plannerInput } from "./ownership/planning.ts";
import type { Millis } from "./ports.ts";
import type { Heartbeat } from "./wire/heartbeat.ts";

export interface SnapshotSource {
  /** As of `NodeOptions`. */
  readonly options: {
    readonly backups: number | "all";
    readonly units?: number;
    readonly partition: "serve" | "majority";
  };
  readonly self: Heartbeat;
  readonly incarnation: string;
  readonly reason: string | null;
  readonly leaseUntil: Millis;
  readonly plan: Plan | null;
  readonly peers: readonly Peer[];
  readonly refused: ReadonlyMap<string, number>;
  readonly shares: number;
  /** As of `Peer`: since when one must have been heard. */
  readonly heardSince: (peer: Peer) => Millis;
  readonly health: Snapshot["health"];
  /** For how long a node gets no buckets, because it fails again and again. */
  readonly dampedMs: (name: string) => number;
  /** The version that all live members speak. */
  readonly versionInUse: number;
}

export function describe(source: SnapshotSource): Snapshot {
  const { self, plan, peers } = source;
  const nodes = [{ incarnation: source.incarnation, heartbeat: self }, ...peers];
  const claimants = strongestFirst(nodes.map(({ heartbeat }) => heartbeat));
  const owners = Array.from({ length: bucketCount }, (_, bucket) => {
    const holder = claimants.find(({ held }) => held.has(bucket)) ??
      claimants.find(({ claims }) => claims.has(bucket));
    return holder?.name ?? null;
  });
  const ready = new Set(
    nodes.filter(({ heartbeat }) => heartbeat.state === "ready").map((node) => node.incarnation),
  );
  const isReady = plan?.members.map(({ incarnation }) => ready.has(incarnation)) ?? [];
  const backups = owners.map((owner, bucket) =>
    (plan?.ranks[bucket] ?? []).flatMap((member) => {
      const { name } = plan!.members[member];
      return isReady[member] && name !== owner ? [name] : [];
    })
  );
  const standings = standingsOf(nodes, source.shares);
  const fitness = (incarnation: string, heartbeat: Heartbeat) => {
    const { name, version, unfit, configDigest, topics } = heartbeat;
    return {
      version,
      dampedMs: source.dampedMs(name),
      healthy: version < 2 ? null : !unfit,
      standing: standings.get(incarnation)!,
      agreed: { configDigest, topics },
    };
  };
  const unsafeBecause = whyUnsafe(nodes.map(({ heartbeat }) => heartbeat), owners);
  return {
    name: self.name,
    incarnation: source.incarnation,
    state: self.state,
    reason: source.reason,
    epoch: self.planEpoch,
    weight: self.weight,
    leaseUntil: source.leaseUntil,
    held: self.held.toHex(),
    proven: self.proven.toHex(),
    members: [
      {
        name: self.name,
        incarnation: source.incarnation,
        state: self.state,
        weight: self.weight,
        buckets: self.held.size,
        lastHeard: null,
        silentOn: [],
        deafOn: [],
        ...fitness(source.incarnation, self),
      },
      ...peers.map((peer) => ({
        name: peer.name,
        incarnation: peer.incarnation,
        state: peer.heartbeat.state,
        weight: peer.heartbeat.weight,
        buckets: peer.heartbeat.held.size,
        lastHeard: peer.lastHeard,
        silentOn: bitsOf(peer.missedOn(source.heardSince(peer))),
        deafOn: bitsOf(peer.missesOn(source.incarnation)),
        ...fitness(peer.incarnation, peer.heartbeat),
      })),
    ].sort((a, b) => a.name < b.name ? -1 : 1),
    owners,
    backups,
    safe: unsafeBecause === null,
    unsafeBecause,
    planning: planningOf(nodes, source),
    refused: Object.fromEntries(source.refused),
    health: source.health,
    protocol: { version: self.version, oldest: self.oldest, inUse: source.versionInUse },
  };
}

/** What the planner goes by in this view. */
function planningOf(
  nodes: readonly LiveNode[],
  { options: { backups, units, partition }, shares, plan }: SnapshotSource,
): Planning {
  const view = planningNodes(nodes, { shares, partition });
  return {
    planner: plannerOf(view)?.name ?? null,
    input: plannerInput({ nodes: view, present: plan, backups, units }),
  };
}

/** null: every bucket is held, and a live backup has acknowledged everything of it. */
function whyUnsafe(nodes: readonly Heartbeat[], owners: readonly (string | null)[]): string | null {
  const unowned = owners.filter((owner) => owner === null).length;
  if (unowned > 0) return `${unowned} buckets have no owner`;
  if (nodes.length === 1) return "there is no other node";
  const proven = nodes.reduce((all, node) => all.union(node.proven), BucketSet.empty());
  const open = bucketCount - proven.size;
  if (open > 0) return `${open} buckets have no backup that has acknowledged everything`;
  const unheld = nodes.reduce((rest, node) => rest.difference(node.held), BucketSet.all()).size;
  return unheld > 0 ? `${unheld} buckets are being handed over` : null;
}
