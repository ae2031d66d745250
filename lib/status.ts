/** From the parts of a running daemon to what `avail status` shows. */
import type { Status } from "./control.ts";
import type { Snapshot } from "./node_types.ts";
import type { Millis, SteeringCounters } from "./ports.ts";

export interface StatusSource {
  readonly cluster: string;
  readonly snapshot: Snapshot;
  readonly replication: Status["replication"];
  readonly backend: string;
  readonly counters: SteeringCounters;
  readonly now: Millis;
}

export function statusOf(source: StatusSource): Status {
  const { cluster, snapshot, replication, backend, counters, now } = source;
  return {
    schema: 1,
    cluster,
    node: snapshot.name,
    state: snapshot.state,
    ...(snapshot.reason === null ? {} : { reason: snapshot.reason }),
    epoch: snapshot.epoch,
    safe: snapshot.safe,
    ...(snapshot.unsafeBecause === null ? {} : { unsafeBecause: snapshot.unsafeBecause }),
    members: snapshot.members.map(({ lastHeard, ...member }) => ({
      ...member,
      lastHeardMs: lastHeard === null ? 0 : Math.max(0, Math.round(now - lastHeard)),
      alive: true,
    })),
    owners: snapshot.owners,
    backups: snapshot.backups,
    replication,
    datapath: {
      backend,
      leaseMs: Math.max(0, Math.round(snapshot.leaseUntil - now)),
      accepted: counters.accepted,
      dropped: counters.dropped,
    },
    refused: snapshot.refused,
  };
}
