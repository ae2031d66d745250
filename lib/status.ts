/** From the parts of a running daemon to what `avail status` shows. */
import type { CheckStatus, MemberStatus, Status } from "./control.ts";
import { obstacleText } from "./membership/standing_news.ts";
import type { Snapshot, SnapshotMember } from "./node_types.ts";
import type { BucketLoad } from "./ownership/load_meter.ts";
import type { Millis, SteeringCounters } from "./ports.ts";

export interface StatusSource {
  readonly cluster: string;
  readonly snapshot: Snapshot & Pick<Required<Status>, "datagrams">;
  readonly replication: Status["replication"];
  readonly backend: string;
  readonly why: string;
  readonly weaker?: readonly string[] | undefined;
  readonly counters: SteeringCounters;
  readonly load: BucketLoad | null;
  readonly checks: readonly CheckStatus[];
  /** Interfaces of the shares, then of the links, as the core numbers them. */
  readonly interfaces: readonly string[];
  readonly now: Millis;
}

/** A day: no daemon renews for so long. */
const leaseMsMax = 24 * 3600 * 1000;

export function statusOf(source: StatusSource): Status {
  const { cluster, snapshot, replication, backend, why, weaker, counters, now } = source;
  return {
    schema: 1,
    cluster,
    node: snapshot.name,
    state: snapshot.state,
    ...(snapshot.reason === null ? {} : { reason: snapshot.reason }),
    epoch: snapshot.epoch,
    safe: snapshot.safe,
    ...(snapshot.unsafeBecause === null ? {} : { unsafeBecause: snapshot.unsafeBecause }),
    members: snapshot.members.map((member) => memberStatus(member, source)),
    owners: snapshot.owners,
    backups: snapshot.backups,
    replication,
    datapath: {
      backend,
      why,
      ...(weaker === undefined ? {} : { weaker }),
      // One that nothing limits (slots that are still to be taken over) must be a number as well.
      leaseMs: Math.min(leaseMsMax, Math.max(0, Math.round(snapshot.leaseUntil - now))),
      accepted: counters.accepted,
      dropped: counters.dropped,
      load: source.load,
    },
    refused: snapshot.refused,
    datagrams: snapshot.datagrams,
    checks: source.checks,
    health: {
      ok: snapshot.health.factor === 1 && !snapshot.health.pending,
      factor: snapshot.health.factor,
      failing: snapshot.health.failing,
    },
    protocol: snapshot.protocol,
  };
}

function memberStatus(found: SnapshotMember, { interfaces, now }: StatusSource): MemberStatus {
  const { lastHeard, silentOn, deafOn, standing, healthy, dampedMs, agreed: _, ...member } = found;
  const named = (numbers: readonly number[]) =>
    numbers.map((i) => interfaces[i] ?? `interface ${i}`);
  const { eligible, obstacle, differs, differsFrom } = standing;
  return {
    ...member,
    lastHeardMs: lastHeard === null ? 0 : Math.max(0, Math.round(now - lastHeard)),
    alive: true,
    ...(silentOn.length === 0 ? {} : { silentOn: named(silentOn) }),
    ...(deafOn.length === 0 ? {} : { deafOn: named(deafOn) }),
    ...(healthy === null ? {} : { healthy }),
    eligible,
    ...(obstacle === null || member.state !== "ready"
      ? {}
      : { notEligibleBecause: obstacleText(obstacle, (i) => interfaces[i] ?? `share ${i}`) }),
    ...(differs.length === 0 ? {} : { differs, differsFrom }),
    ...(dampedMs === 0 ? {} : { dampedMs: Math.ceil(dampedMs) }),
  };
}
