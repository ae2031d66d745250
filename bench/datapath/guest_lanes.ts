/**
 * What is compared in the guest: for each lane a veth pair, whose receiving end refuses or takes what
 * the cannon sends into the other one.
 *
 *     cannon --- send3 ----- in3 [namespace n3]: rules, a clusterdev, or nothing
 *            --- send0 ----- in0: bare rx_handler (it knows the first namespace only)
 */
import type { KeyKind } from "../../lib/config.ts";
import { nftIngress, nftPrerouting, type Refusal, xtCluster } from "./refusals.ts";
import type { Family } from "./report.ts";

type Command = readonly string[];

export const groupMac = "03:00:5e:00:00:01";
/** Sources lie in the same network, so that routing finds nothing wrong with them. */
const network = {
  4: { shared: "10.0.0.100", bits: 16, own: "10.0.0.1/16", firstSource: "10.0.16.0" },
  6: { shared: "fd00::100", bits: 64, own: "fd00::1/64", firstSource: "fd00::1:0" },
} as const;

export interface LaneKind {
  readonly name: string;
  /** Families in which it exists. */
  readonly families: readonly Family[];
  /** Whether its frames get as far as the IP layer: there the receiver's counts are compared. */
  readonly reachesIp: boolean;
  /** Whether a clusterdev stands there, and what becomes of all frames. */
  readonly clusterdev: { readonly key: KeyKind; readonly owned: boolean } | null;
  /** Commands for its namespace; null: it has none. */
  readonly setUp: ((receiver: string, family: Family) => readonly Command[]) | null;
}

export interface Lane extends LaneKind {
  readonly family: Family;
  readonly number: number;
}

const both: readonly Family[] = [4, 6];
export const keys = ["source", "pair", "flow"] as const;

export const bareName = "bare rx_handler drop";
/** What accepted frames are compared with: they end at the same point. */
export const withoutName = "same frame without clusterdev";
export const refusedName = (key: KeyKind) => `clusterdev ${key}, refused`;
export const acceptedName = (key: KeyKind) => `clusterdev ${key}, accepted`;

export const laneKinds: readonly LaneKind[] = [
  {
    name: bareName,
    families: both,
    reachesIp: false,
    clusterdev: null,
    setUp: null,
  },
  ...keys.map((key) => clusterdev(key, false)),
  ...[nftIngress, nftPrerouting, xtCluster].map(others),
  {
    name: "ipt_CLUSTERIP sourceip",
    families: [4],
    reachesIp: true,
    clusterdev: null,
    setUp: clusterIp,
  },
  {
    name: withoutName,
    families: both,
    reachesIp: true,
    clusterdev: null,
    setUp: (receiver, family) => [...dropInRaw(family), ...joined(receiver)],
  },
  ...keys.map((key) => clusterdev(key, true)),
];

export function lanesOf(kinds: readonly LaneKind[]): Lane[] {
  return kinds.flatMap((kind) => kind.families.map((family) => ({ ...kind, family })))
    .map((lane, number) => ({ ...lane, number }));
}

/** A lane for the cannon: INTERFACE,SRC,DST. */
export function laneWord({ number, family }: Lane): string {
  return `send${number},${network[family].firstSource},${network[family].shared}`;
}

/** All commands that make a lane, in the guest's first namespace. */
export function laneCommands(lane: Lane): readonly Command[] {
  const { number, family, setUp } = lane;
  const sender = `send${number}`, receiver = `in${number}`, place = `n${number}`;
  const pair = ["ip", "link", "add", sender, "type", "veth", "peer", "name", receiver];
  const up = ["ip", "link", "set", sender, "up"];
  if (setUp === null) return [pair, up, ["ip", "link", "set", receiver, "up"]];
  const ip = ["ip", "-n", place];
  return [
    ["ip", "netns", "add", place],
    [...pair, "netns", place],
    up,
    [...ip, "link", "set", "lo", "up"],
    [...ip, "link", "set", receiver, "up"],
    [...ip, "address", "add", network[family].own, "dev", receiver, ...nodad(family)],
    ...setUp(receiver, family).map((command) => ["ip", "netns", "exec", place, ...command]),
  ];
}

function clusterdev(key: KeyKind, owned: boolean): LaneKind {
  return {
    name: owned ? acceptedName(key) : refusedName(key),
    families: both,
    reachesIp: owned,
    clusterdev: { key, owned },
    setUp: (receiver, family) => [
      ["clusterctl", "add", "cluster0", receiver, groupMac, `key=${key}`, "seed=0x1234567887654321"]
        .concat(`buckets=${owned ? "all" : "none"}`, "lease=forever"),
      ["ip", "address", "add", network[family].shared, "dev", "cluster0", ...nodad(family)],
      ["ip", "link", "set", "cluster0", "up"],
      ...(owned ? dropInRaw(family) : []),
    ],
  };
}

function others(refusal: Refusal): LaneKind {
  return {
    name: refusal.name,
    families: both,
    reachesIp: refusal !== nftIngress,
    clusterdev: null,
    setUp: (receiver, family) => [
      ["ip", "address", "add", network[family].shared, "dev", receiver, ...nodad(family)],
      ...joined(receiver),
      ...refusal.rules(receiver, network[family].shared, family),
    ],
  };
}

/** The only one of two nodes is taken away again: nothing is this node's. */
function clusterIp(receiver: string): Command[] {
  const { shared } = network[4];
  const rule = ["iptables-legacy", "-A", "INPUT", "-d", shared, "-i", receiver, "-j", "CLUSTERIP"];
  return [
    ["ip", "address", "add", shared, "dev", receiver],
    [...rule, "--new", "--hashmode", "sourceip", "--clustermac", groupMac]
      .concat("--total-nodes", "2", "--local-node", "1", "--hash-init", "7"),
    ["sh", "-c", `echo -1 >/proc/net/ipt_CLUSTERIP/${shared}`],
  ];
}

function dropInRaw(family: Family): Command[] {
  const table = `${family === 4 ? "ip" : "ip6"} raw`;
  return [
    ["nft", `add table ${table}`],
    ["nft", `add chain ${table} prerouting { type filter hook prerouting priority raw; }`],
    ["nft", `add rule ${table} prerouting drop`],
  ];
}

function joined(receiver: string): Command[] {
  return [["ip", "maddress", "add", groupMac, "dev", receiver]];
}

function nodad(family: Family): string[] {
  return family === 4 ? [] : ["nodad"];
}
