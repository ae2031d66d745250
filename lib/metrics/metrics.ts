/** Every metric of a node: its name, what it means, and where it comes from. docs/metrics.md is this. */
import type { DatagramCounts, NodeState, ReplicationTotals, Status } from "../control.ts";
import type { EventCount } from "../events/event_ring.ts";
import { exposition, type Metric, type Sample } from "./exposition.ts";

export interface MetricsSource {
  readonly status: Status;
  readonly events: readonly EventCount[];
  readonly build: { readonly version: string; readonly runtime: string };
  /** This process, under the names that Prometheus' own client libraries use. */
  readonly process: {
    /** Seconds since 1970. */
    readonly startTime: number;
    readonly residentBytes: number;
    /** null: the kernel does not tell. */
    readonly cpuSeconds: number | null;
  };
}

interface NodeMetric extends Metric {
  readonly of: (source: MetricsSource) => readonly Sample[];
}

const states: readonly NodeState[] = ["joining", "syncing", "ready", "draining", "left"];

/** The page that a node serves. */
export function metricsPage(source: MetricsSource): string {
  return exposition(metrics.map((metric) => [metric, metric.of(source)] as const));
}

/** All metrics, in the page's order. */
export const metrics: readonly NodeMetric[] = [
  gauge("avail_build_info", "What runs here; always 1.", ({ status, build }) => [
    [1, build.version, build.runtime, String(status.protocol?.version ?? "")],
  ], ["version", "runtime", "protocol"]),
  gauge("avail_node_info", "Which node of which cluster this is; always 1.", ({ status }) => [
    [1, status.cluster, status.node, status.datapath.backend],
  ], ["cluster", "node", "backend"]),
  gauge("avail_state", "1 for the state that this node is in, else 0.", ({ status }) => {
    return states.map((state) => [Number(state === status.state), state]);
  }, ["state"]),
  gauge(
    "avail_safe",
    "1 where every bucket has a live backup that has acknowledged everything, else 0.",
    ({ status }) => [[Number(status.safe)]],
  ),
  gauge("avail_epoch", "Number of the assignment in force.", ({ status }) => [[status.epoch]]),
  gauge(
    "avail_protocol_version_in_use",
    "Version of the protocol that all live members speak.",
    ({ status }) => status.protocol === undefined ? [] : [[status.protocol.inUse]],
  ),

  // ---- members
  gauge("avail_members", "Live members, this node included, by state.", ({ status }) => {
    const live = status.members.filter(({ alive }) => alive);
    return states.map((state) => [live.filter((member) => member.state === state).length, state]);
  }, ["state"]),
  gauge("avail_members_eligible", "Live members that may own buckets.", ({ status }) => [
    [status.members.filter(({ alive, eligible }) => alive && eligible !== false).length],
  ]),
  ofMembers("avail_member_buckets", "Buckets that a member handles.", ({ buckets }) => buckets),
  ofMembers("avail_member_weight", "A member's weight as it counts now.", ({ weight }) => weight),
  ofMembers(
    "avail_member_last_heard_seconds",
    "Time since a member was last heard; 0 for this node.",
    ({ lastHeardMs }) => lastHeardMs / 1000,
  ),
  ofMembers(
    "avail_member_silent_interfaces",
    "Interfaces on which a member is not heard, though it should be.",
    ({ silentOn = [] }) => silentOn.length,
  ),
  ofMembers(
    "avail_member_config_differs",
    "1 where a member's configuration differs, so that it is given no buckets.",
    ({ differs = [] }) => Number(differs.length > 0),
  ),

  // ---- buckets and lease
  gauge("avail_buckets_owned", "Buckets that this node handles.", ({ status }) => [
    [status.members.find(({ name }) => name === status.node)?.buckets ?? 0],
  ]),
  gauge("avail_buckets_unowned", "Buckets that no live member handles.", ({ status }) => [
    [status.owners.filter((owner) => owner === null).length],
  ]),
  gauge("avail_buckets_without_backup", "Buckets that have no live backup.", ({ status }) => [
    [status.backups.filter((names) => names.length === 0).length],
  ]),
  gauge(
    "avail_lease_seconds_remaining",
    "Time for which the kernel works on without the daemon; 0: it is deaf and mute.",
    ({ status }) => [[status.datapath.leaseMs / 1000]],
  ),

  // ---- replication
  gauge(
    "avail_replication_lag_seconds",
    "Age of the oldest change that a backup has not acknowledged.",
    ({ status }) => [[status.replication.lagMs / 1000]],
  ),
  gauge(
    "avail_flows",
    "Connections in this kernel that this node handles (owner) and that it holds for others (backup).",
    ({ status: { replication } }) => [
      [replication.flows, "owner"],
      [replication.foreign, "backup"],
    ],
    ["role"],
  ),
  gauge(
    "avail_replication_peer_connected",
    "1 where the stream with a peer stands, else 0.",
    ({ status }) =>
      status.replication.peers.map(({ name, connected }) => [Number(connected), name]),
    ["peer"],
  ),
  gauge(
    "avail_replication_peer_safe",
    "1 where a peer has all that it must hold, else 0.",
    ({ status }) => status.replication.peers.map(({ name, safe }) => [Number(safe), name]),
    ["peer"],
  ),
  ofTotals("avail_replication_overruns_total", "Times the kernel dropped events.", "overruns"),
  ofTotals(
    "avail_replication_overflows_total",
    "Times what waited for a slow peer was dropped and sent anew.",
    "overflows",
  ),
  ofTotals(
    "avail_replication_refused_flows_total",
    "Flows of peers that found no room in this kernel's table.",
    "refused",
  ),
  ofTotals(
    "avail_replication_failed_flows_total",
    "Flows of peers that this kernel would not have.",
    "failed",
  ),
  ofTotals("avail_replication_swept_flows_total", "Stale entries that were removed.", "swept"),
  ofTotals(
    "avail_replication_streams_ended_total",
    "Streams with peers that ended or were refused.",
    "streamsEnded",
  ),

  // ---- datapath
  counter(
    "avail_frames_accepted_total",
    "Frames that this node took, since the datapath was attached.",
    ({ status }) => [[status.datapath.accepted]],
  ),
  counter("avail_frames_dropped_total", "Frames left alone, by reason.", ({ status }) => {
    const { notOwned, leaseExpired, malformed, neighbour } = status.datapath.dropped;
    return [
      [notOwned, "not_owned"],
      [leaseExpired, "lease_expired"],
      [malformed, "malformed"],
      [neighbour, "neighbour"],
    ];
  }, ["reason"]),
  ofLoad(
    "counter",
    "avail_buckets_packets_total",
    "Frames taken of all buckets together; left out where the kernel does not count them.",
    ({ packets }) => sum(packets),
  ),
  ofLoad(
    "counter",
    "avail_buckets_bytes_total",
    "Bytes taken of all buckets together, headers included.",
    ({ bytes }) => sum(bytes),
  ),
  ofLoad(
    "gauge",
    "avail_buckets_packets_per_second",
    "Frames a second of all buckets together, smoothed over ten seconds.",
    ({ packetsPerSecond }) => sum(packetsPerSecond),
  ),
  ofLoad(
    "gauge",
    "avail_hottest_bucket_packets_per_second",
    "Frames a second of the bucket with most of them.",
    ({ packetsPerSecond }) => Math.max(0, ...packetsPerSecond),
  ),

  // ---- what the nodes say to each other
  ofDatagrams("avail_datagrams_sent_total", "Datagrams sent, each once, by kind.", "sent"),
  ofDatagrams(
    "avail_datagrams_received_total",
    "Datagrams of others that were of use, on each interface, by kind.",
    "received",
  ),
  counter(
    "avail_datagrams_refused_total",
    "Datagrams of others that changed nothing, by reason.",
    ({ status }) => Object.entries(status.refused).map(([reason, count]) => [count, reason]),
    ["reason"],
  ),

  // ---- checks and events
  gauge(
    "avail_check_up",
    "1 where a check passes, 0 where it fails; left out before its first verdict.",
    ({ status: { checks = [] } }) =>
      checks.flatMap(({ name, ok }) => ok === null ? [] : [[Number(ok), name]]),
    ["check"],
  ),
  gauge(
    "avail_health_factor",
    "What the checks multiply this node's weight by; 0: it may own no buckets.",
    ({ status }) => status.health === undefined ? [] : [[status.health.factor]],
  ),
  counter(
    "avail_events_total",
    "What `avail events` tells, by name and level.",
    ({ events }) => events.map(({ event, level, count }) => [count, event, level]),
    ["event", "level"],
  ),

  // ---- the process
  gauge(
    "process_start_time_seconds",
    "When the daemon was started, in seconds since 1970.",
    ({ process }) => [[process.startTime]],
  ),
  gauge(
    "process_resident_memory_bytes",
    "Memory of the daemon.",
    ({ process }) => [[process.residentBytes]],
  ),
  counter(
    "process_cpu_seconds_total",
    "Processor time of the daemon, user and system.",
    ({ process }) => process.cpuSeconds === null ? [] : [[process.cpuSeconds]],
  ),
];

function gauge(
  name: string,
  help: string,
  of: NodeMetric["of"],
  labels: readonly string[] = [],
): NodeMetric {
  return { name, type: "gauge", help, labels, of };
}

function counter(
  name: string,
  help: string,
  of: NodeMetric["of"],
  labels: readonly string[] = [],
): NodeMetric {
  return { name, type: "counter", help, labels, of };
}

/** One sample for each live member. */
function ofMembers(
  name: string,
  help: string,
  value: (member: Status["members"][number]) => number,
): NodeMetric {
  return gauge(
    name,
    help,
    ({ status }) =>
      status.members.filter(({ alive }) => alive).map((member) => [value(member), member.name]),
    ["member"],
  );
}

function ofTotals(name: string, help: string, key: keyof ReplicationTotals): NodeMetric {
  return counter(name, help, ({ status: { replication: { totals } } }) => {
    return totals === undefined ? [] : [[totals[key]]];
  });
}

function ofLoad(
  type: Metric["type"],
  name: string,
  help: string,
  value: (load: NonNullable<Status["datapath"]["load"]>) => number,
): NodeMetric {
  const of = ({ status: { datapath: { load } } }: MetricsSource): Sample[] =>
    load === null ? [] : [[value(load)]];
  return { name, type, help, labels: [], of };
}

function ofDatagrams(name: string, help: string, way: "sent" | "received"): NodeMetric {
  return counter(name, help, ({ status: { datagrams } }) => {
    const counts: Partial<DatagramCounts> = datagrams?.[way] ?? {};
    return Object.entries(counts).map(([kind, count]) => [count, kind]);
  }, ["kind"]);
}

function sum(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
