/** Statuses as daemons give them, for the screens and the exit codes. */
import type { MemberStatus, Status } from "../../lib/control.ts";

function member(name: string, buckets: number, more: Partial<MemberStatus> = {}): MemberStatus {
  return {
    name,
    state: "ready",
    weight: 1,
    buckets,
    lastHeardMs: name === "fw1" ? 0 : 42,
    incarnation: "0123456789abcdef0123456789abcdef",
    alive: true,
    ...more,
  };
}

function owners(counts: Readonly<Record<string, number>>): (string | null)[] {
  const named = Object.entries(counts).flatMap(([name, n]) => Array<string>(n).fill(name));
  return Array.from({ length: 256 }, (_, i) => named[i] ?? null);
}

export const safeStatus: Status = {
  schema: 1,
  cluster: "edge",
  node: "fw1",
  state: "ready",
  epoch: 12,
  safe: true,
  members: [member("fw1", 86), member("fw2", 85, { weight: 1 }), member("fw3", 85)],
  owners: owners({ fw1: 86, fw2: 85, fw3: 85 }),
  backups: Array.from({ length: 256 }, () => ["fw2"]),
  replication: {
    flows: 1200,
    foreign: 2400,
    lagMs: 3,
    peers: [
      { name: "fw2", connected: true, safe: true },
      { name: "fw3", connected: true, safe: true },
    ],
  },
  datapath: {
    backend: "xdp",
    why: 'datapath.backend is "xdp" in the configuration',
    leaseMs: 240,
    accepted: 12_345_678,
    dropped: { notOwned: 24_690_123, leaseExpired: 0, malformed: 7, neighbour: 91 },
    load: null,
  },
  refused: { tag: 0 },
};

/** One node dead, one joining, the lease gone: everything that the screen can say. */
export const unsafeStatus: Status = {
  ...safeStatus,
  safe: false,
  unsafeBecause: "fw2 is silent and fw4 has not yet received the flows of 85 buckets; " +
    "they would be lost with this node",
  members: [
    member("fw1", 171, { weight: 2.5 }),
    member("fw2", 0, { alive: false, lastHeardMs: 12_345 }),
    member("fw3", 83, { state: "draining", lastHeardMs: 61_000 }),
    member("fw4", 0, { state: "joining", reason: "waiting \x1b[2Jfor the flows of fw1 and fw3" }),
    member("fw1-with-a-rather-long-name", 0, { state: "syncing", lastHeardMs: 7_800_000 }),
  ],
  owners: owners({ fw1: 171, fw3: 83 }),
  replication: {
    flows: 1,
    foreign: 0,
    lagMs: 2300,
    peers: [
      { name: "fw2", connected: false, safe: false },
      { name: "fw3", connected: true, safe: true },
      { name: "fw4", connected: true, safe: false },
    ],
  },
  datapath: { ...safeStatus.datapath, leaseMs: 0 },
  refused: { tag: 1234, replay: 5, "wrong cluster": 1 },
};

/** Nobody is dead, and yet some may own no buckets, or are given none. */
export const unfitStatus: Status = {
  ...safeStatus,
  members: [
    member("fw1", 0, {
      version: 2,
      healthy: false,
      eligible: false,
      notEligibleBecause: "its checks fail",
    }),
    member("fw2", 256, {
      version: 2,
      healthy: true,
      eligible: true,
      silentOn: ["eth2", "eth3"],
      deafOn: ["eth2"],
    }),
    member("fw3", 0, {
      version: 1,
      eligible: false,
      notEligibleBecause: "nobody hears it on eth1, where others hear each other",
      differs: ["shares", "ruleset"],
      differsFrom: ["fw1", "fw2"],
    }),
  ],
  owners: owners({ fw2: 256 }),
  checks: [
    { name: "web", ok: false, sinceMs: 12_345, lastError: "connection \x1b[2Jrefused", weight: 0 },
    { name: "db", ok: false, sinceMs: 800, lastError: "status 503 instead of 200", weight: 0.5 },
    { name: "vpn", ok: null, sinceMs: 400, weight: 0 },
    { name: "dns", ok: true, sinceMs: 7_800_000, weight: 0 },
  ],
  health: { ok: false, factor: 0, failing: ["web", "db"] },
  protocol: { version: 2, oldest: 1, inUse: 1 },
};
