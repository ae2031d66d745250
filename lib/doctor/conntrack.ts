/** Whether the connection table is large enough, fast enough, and set as replication needs it. */
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, setting, warn } from "./finding.ts";
import type { Setup } from "./setup.ts";
import { counted, grouped, percent } from "./words.ts";

/** null throughout: the kernel does not say. */
export interface ConntrackFacts {
  readonly max: number | null;
  readonly count: number | null;
  readonly buckets: number | null;
  /** Whether its size can be set from here, which only the first namespace can. */
  readonly canSetSize: boolean;
  /** Sums over all processors since the boot, by the names of /proc/net/stat/nf_conntrack. */
  readonly stats: Readonly<Record<string, number>> | null;
  /** net.netfilter.nf_conntrack_* by their last words, such as `events`. */
  readonly settings: Readonly<Record<string, number | null>>;
}

export const conntrackGroup: Group<"conntrack", ConntrackFacts> = {
  name: "conntrack",
  title: "Connection table",
  checks: [
    { id: "conntrack-use", brief: "the table has room", examine: use },
    { id: "conntrack-failover", brief: "it has room when a node dies", examine: failover },
    { id: "conntrack-losses", brief: "no connection was turned away", examine: losses },
    { id: "conntrack-buckets", brief: "its hash chains are short", examine: chains },
    { id: "conntrack-settings", brief: "its settings suit replication", examine: settings },
  ],
};

/** Replicas are no longer taken in beyond this (lib/replication); above, a full table is near. */
const replicaPart = 0.8;
const fullPart = 0.95;
const maxPath = "net/netfilter/nf_conntrack_max";

function use({ max, count, canSetSize }: ConntrackFacts): Outcome[] {
  if (max === null || count === null || max === 0) return [];
  const evidence = `${grouped(count)} of ${grouped(max)} entries (${percent(count, max)})`;
  if (count < replicaPart * max) return [fine("the connection table has room", evidence)];
  const isFull = count >= fullPart * max;
  const details = {
    why: isFull
      ? "a full table evicts live connections and refuses new ones"
      : "above 80 % no replicas are taken in, so that they never displace live connections: " +
        "the cluster is not safe then",
    remedy: `let the table be larger (an entry takes a few hundred bytes)${elsewhere(canSetSize)}`,
    ...sizing(maxPath, doubled(count), canSetSize),
    evidence,
  };
  return [
    isFull
      ? fail("the connection table is full", details)
      : warn("the connection table is nearly full", details),
  ];
}

function failover({ max, count, canSetSize }: ConntrackFacts, setup: Setup): Outcome[] {
  const expected = expectedAfterDeath(setup, count);
  if (max === null || expected === null) return [];
  const evidence = `${grouped(expected)} of ${grouped(max)} entries (${percent(expected, max)}) ` +
    "are to be expected then";
  if (expected < replicaPart * max) {
    return [fine("the table also has room when a node dies", evidence)];
  }
  return [
    warn("the connection table would be too small when a node dies", {
      why: "the others take over its connections and hold more replicas; " +
        "above 80 % no replicas are taken in",
      remedy: `let the table be larger, on every node${elsewhere(canSetSize)}`,
      ...sizing(maxPath, doubled(expected), canSetSize),
      evidence,
    }),
  ];
}

/**
 * Entries that this node will have after one death, if all nodes have as many flows as it has itself:
 * all flows times their copies, over the nodes that are left; and what is no flow of the cluster.
 */
export function expectedAfterDeath(
  { config, status }: Setup,
  count: number | null,
): number | null {
  if (config === null || status === null || count === null || !config.replication.enabled) {
    return null;
  }
  const nodes = status.members.filter(({ alive, state }) => alive && state === "ready").length;
  if (nodes < 2) return null;
  const { flows, foreign } = status.replication;
  const left = nodes - 1;
  const wanted = config.replication.backups === "all" ? left : config.replication.backups + 1;
  const copies = Math.min(wanted, left);
  const others = Math.max(0, count - flows - foreign);
  return Math.round(others + flows * nodes * copies / left);
}

function sizing(path: string, value: number, canSetSize: boolean): ReturnType<typeof setting> {
  const { commands, ...fix } = setting(path, value);
  return { commands: commands!, ...(canSetSize ? fix : {}) };
}

function elsewhere(canSetSize: boolean): string {
  return canSetSize ? "" : ", in the machine's first network namespace: not in this one";
}

/** The next power of two from twice as many, at least the kernel's smallest default. */
function doubled(entries: number): number {
  return Math.max(65536, 2 ** Math.ceil(Math.log2(2 * Math.max(1, entries))));
}

function losses({ stats, max, count }: ConntrackFacts): Outcome[] {
  if (stats === null) return [];
  const { drop = 0, early_drop: early = 0, insert_failed: failed = 0 } = stats;
  if (drop === 0 && early === 0) {
    return [fine("no connection was turned away since the boot")];
  }
  const isNear = max !== null && count !== null && count >= replicaPart * max;
  const make = isNear ? warn : note;
  return [
    make("connections were turned away or evicted since the boot", {
      why: "the table was full at some time, or memory was short",
      remedy: "if the first number rises, let the table be larger",
      ...(max === null
        ? {}
        : { commands: [`sysctl -w net.netfilter.nf_conntrack_max=${2 * max}`] }),
      evidence: `${counted(drop, "packet")} dropped, ${grouped(early)} connections evicted, ${
        grouped(failed)
      } insertions failed`,
    }),
  ];
}

/** Entries for each hash bucket when the table is full; the kernel's default is 1 (older: 4). */
const chainMax = 4;

function chains({ max, buckets, canSetSize }: ConntrackFacts): Outcome[] {
  if (max === null || buckets === null || buckets === 0) return [];
  const evidence = `${grouped(max)} entries at most in ${grouped(buckets)} buckets`;
  if (max <= chainMax * buckets) return [fine("the hash chains are short", evidence)];
  const path = "net/netfilter/nf_conntrack_buckets";
  const wanted = 2 ** Math.ceil(Math.log2(max / 2));
  return [
    warn("the connection table has few hash buckets for its size", {
      why: `each packet walks a chain of up to ${
        Math.round(2 * max / buckets)
      } entries (each connection is in two of them)`,
      remedy: `give it more buckets; the kernel rehashes at once${elsewhere(canSetSize)}`,
      ...sizing(path, wanted, canSetSize),
      evidence,
    }),
  ];
}

function settings({ settings }: ConntrackFacts, { config, status }: Setup): Outcome[] {
  const found: Outcome[] = [];
  const isRunning = status !== null && config !== null;
  const path = (name: string) => `net/netfilter/nf_conntrack_${name}`;
  // What avail run sets at its start may have been changed since.
  if (isRunning && config.replication.enabled && settings.events === 0) {
    found.push(fail("the kernel tells no events of connections (nf_conntrack_events = 0)", {
      why: "replication is fed by them: new connections die with this node",
      remedy: "avail run set it at its start, and something has changed it since; set it again",
      ...setting(path("events"), 1),
    }));
  } else if (isRunning && config.replication.enabled && settings.events === 2) {
    found.push(warn("events of older connections are left out (nf_conntrack_events = 2)", {
      why: "connections from before the listener never tell of changes or of their end",
      remedy:
        "avail run set it to 1 at its start, and something has changed it since; set it again",
      ...setting(path("events"), 1),
    }));
  }
  if (isRunning && settings.tcp_be_liberal === 0) {
    found.push(warn("TCP windows are checked (nf_conntrack_tcp_be_liberal = 0)", {
      why: "a connection that comes back to a node meets the window of when it left, and stalls",
      remedy:
        "avail run set it to 1 at its start, and something has changed it since; set it again",
      ...setting(path("tcp_be_liberal"), 1),
    }));
  }
  if (settings.tcp_loose === 0 && config !== null && !config.replication.enabled) {
    found.push(note("connections are not picked up in their middle (nf_conntrack_tcp_loose = 0)", {
      why: "without replication, every TCP connection of a node that dies is lost",
      remedy: "turn replication on: replication.enabled = true",
    }));
  }
  if ((settings.acct ?? 0) > 0) {
    found.push(note("bytes and packets of connections are counted (nf_conntrack_acct = 1)", {
      why: "counters are not replicated: they begin anew at the node that takes over",
      remedy: null,
    }));
  }
  if ((settings.timestamp ?? 0) > 0) {
    found.push(note("connections have time stamps (nf_conntrack_timestamp = 1)", {
      why: "they are not replicated: at the node that takes over, a connection begins when it " +
        "was received",
      remedy: null,
    }));
  }
  if (found.length > 0) return found;
  const isKnown = Object.values(settings).some((value) => value !== null);
  return isKnown ? [fine("the settings of the connection table are as they should be")] : [];
}
