/** Whether this machine's firewall lets the cluster's own traffic through, and knows its devices. */
import { parseAddress } from "../wire/address.ts";
import type { Group } from "./check.ts";
import { openCommand } from "./cluster.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import { flowtables, natRules, untracked } from "./nat.ts";
import { anyPacket, type Network, type Packet, type Ruleset } from "./rules/model.ts";
import { type Walk, walkHook } from "./rules/walk.ts";
import { clusterInterfaces, otherMembers, type Setup } from "./setup.ts";

export interface FirewallFacts {
  /** nft's and the old iptables' rules; null where they cannot be read. */
  readonly ruleset: Ruleset | null;
  /** Why not all of them can be read; null: they can. */
  readonly problem: string | null;
  /** Where the replication waits for streams. */
  readonly listens: readonly Listener[];
  /** Devices of the kernel module, in the order of the shares. */
  readonly clusterDevices: readonly string[];
}

export interface Listener {
  readonly interface: string;
  readonly address: string;
  readonly prefixLength: number;
}

export const firewallGroup: Group<"firewall", FirewallFacts> = {
  name: "firewall",
  title: "Firewall",
  checks: [
    { id: "replication-port", brief: "replication streams may come in", examine: replication },
    { id: "heartbeat-frames", brief: "no rule stops heartbeats", examine: heartbeats },
    { id: "cluster-devices", brief: "rules know the module's devices", examine: devices },
    { id: "arp-rules", brief: "no rule stops ARP", examine: arpRules },
    {
      id: "nat-rules",
      brief: "no address translation works against the buckets",
      examine: natRules,
    },
    { id: "flowtables", brief: "no flow table bypasses the cluster", examine: flowtables },
    { id: "untracked", brief: "connections are tracked", examine: untracked },
  ],
};

/** The first packet of a stream to a listener, from its network or from a known peer. */
function streamTo(listener: Listener, port: number, peers: readonly Network[]): Packet[] {
  const { family, bytes } = parseAddress(listener.address)!;
  const own = { bytes, prefixLength: listener.prefixLength };
  const known = peers.filter((peer) => peer.bytes.length === bytes.length);
  return (known.length > 0 ? known : [own]).map((source) => ({
    ...anyPacket,
    family,
    input: listener.interface,
    protocol: "tcp",
    source,
    destination: { bytes, prefixLength: 8 * bytes.length },
    destinationPort: port,
    state: "new",
  }));
}

/** Hooks that see a packet to this machine, in their order. */
const inHooks = ["ingress", "prerouting", "input"];

function walkIn(ruleset: Ruleset, packet: Packet, hooks: readonly string[]): Walk {
  const walks = hooks.map((hook) => walkHook(ruleset, hook, packet));
  return walks.find(({ fate }) => fate === "dropped") ??
    walks.find(({ fate }) => fate === "perhaps") ?? { fate: "accepted", by: null };
}

function replication({ ruleset, problem, listens }: FirewallFacts, setup: Setup): Outcome[] {
  const { config, peers, status } = setup;
  if (config === null || !config.replication.enabled) return [];
  if (ruleset === null) {
    return problem === null ? [] : [
      note("the firewall's rules cannot be read", {
        why: "whether they let the replication in is not known",
        remedy: "run this as root, with nft installed",
        evidence: problem,
      }),
    ];
  }
  const { port } = config.replication;
  const known = peers.flatMap(({ vitals }) => vitals?.replication.addresses ?? [])
    .flatMap((text) => parseAddress(text) ?? [])
    .map(({ bytes }) => ({ bytes, prefixLength: 8 * bytes.length }));
  // What stands is not in the way, whatever the rules look like from here.
  const streams = status?.replication.peers.filter(({ connected }) => connected).length ?? 0;
  const isProven = status !== null && streams > 0 && streams === otherMembers(setup).length;
  const found = listens.flatMap((listener) => {
    const walks = streamTo(listener, port, known).map((packet) => walkIn(ruleset, packet, inHooks));
    const worst = walks.find(({ fate }) => fate === "dropped") ??
      walks.find(({ fate }) => fate === "perhaps");
    if (worst === undefined || (isProven && worst.fate === "perhaps")) return [];
    const isDropped = worst.fate === "dropped";
    const where = `${listener.interface} (${listener.address}, TCP port ${port})`;
    const [family, table, chain] = worst.by?.chain.split(" ") ?? [];
    const details = {
      why:
        "connections are replicated by streams to this port; without, those of a node die with " +
        "it. Heartbeats pass below the firewall, so the nodes do see each other",
      remedy: `let it in from the other nodes, before ${worst.by?.place ?? "that rule"}`,
      commands: isDropped && chain !== undefined && !worst.by!.place.startsWith("ip")
        ? [
          `nft insert rule ${family} ${table} ${chain} iifname "${listener.interface}" ` +
          `tcp dport ${port} accept`,
        ]
        : isDropped
        ? [`iptables -I INPUT -i ${listener.interface} -p tcp --dport ${port} -j ACCEPT`]
        : [openCommand(port)],
      evidence: worst.by === null ? undefined : `${worst.by.place} drops it`,
    };
    return [
      isDropped
        ? (isProven ? warn : fail)(`the firewall drops replication streams on ${where}`, details)
        : note(`the firewall may drop replication streams on ${where}`, {
          ...details,
          remedy: "it depends on what cannot be told from outside; if no stream comes about, " +
            details.remedy,
        }),
    ];
  });
  if (found.length > 0) return found;
  return listens.length > 0 ? [fine("the firewall lets replication streams in")] : [];
}

const heartbeatGroup = new Uint8Array([224, 0, 0, 213]);
const heartbeatPort = 9478;

function heartbeats({ ruleset }: FirewallFacts, setup: Setup): Outcome[] {
  const names = clusterInterfaces(setup);
  if (ruleset === null || names.length === 0) return [];
  // Packet sockets are above the hook ingress and below all others; what they send passes egress.
  const found = names.flatMap((name) =>
    (["ingress", "egress"] as const).flatMap((hook) => {
      const walk = walkHook(ruleset, hook, {
        ...anyPacket,
        family: 4,
        input: hook === "ingress" ? name : null,
        output: hook === "egress" ? name : null,
        protocol: "udp",
        destination: { bytes: heartbeatGroup, prefixLength: 32 },
        sourcePort: heartbeatPort,
        destinationPort: heartbeatPort,
      });
      if (walk.fate === "accepted") return [];
      const make = walk.fate === "dropped" ? fail : note;
      const verb = walk.fate === "dropped" ? "drops" : "may drop";
      return [
        make(`a rule ${verb} heartbeats on ${name} (${hook})`, {
          why: "nodes that do not hear each other take over from each other",
          remedy: `let UDP port ${heartbeatPort} to 224.0.0.213 through, before ${walk.by!.place}`,
          commands: [`nft insert rule ${walk.by!.chain} udp dport ${heartbeatPort} accept`],
          evidence: walk.by!.place,
        }),
      ];
    })
  );
  return found.length > 0 ? found : [fine("no rule stops heartbeats")];
}

function devices({ ruleset, clusterDevices }: FirewallFacts, { config }: Setup): Outcome[] {
  if (ruleset === null || config === null || clusterDevices.length === 0) return [];
  const names = ruleset.inputNames;
  const covers = (name: string) =>
    names.some((each) =>
      each === name || (each.endsWith("*") && name.startsWith(each.slice(0, -1)))
    );
  const found = config.shares.flatMap((share, i) => {
    const device = clusterDevices[i];
    if (device === undefined || !covers(share.interface) || covers(device)) return [];
    return [
      warn(`rules name ${share.interface}, and none names ${device}`, {
        why: `packets for the shared addresses come in by ${device}: rules for ` +
          `${share.interface} do not see them`,
        remedy: `name both, such as in a set: iifname { "${share.interface}", "${device}" }`,
        commands: [`nft list ruleset | grep -n '${share.interface}'`],
      }),
    ];
  });
  return found.length > 0 ? found : [fine("rules know the module's devices, or name no share")];
}

function arpRules({ ruleset }: FirewallFacts, { config }: Setup): Outcome[] {
  if (ruleset === null || config === null) return [];
  const drops = ruleset.chains.filter(({ family }) => family === "arp").some(({ base, rules }) =>
    base?.policy === "drop" ||
    rules.some((rule) => rule.judge(anyPacket).some(({ kind }) => kind === "drop"))
  );
  if (!drops) return [fine("no rule stops ARP")];
  return [
    warn("there are rules that drop ARP", {
      why: "the shared addresses are answered for by ARP; rules from an earlier cluster (LVS, " +
        "CLUSTERIP) often keep single nodes from answering",
      remedy: "see whether they are still needed",
      commands: ["nft list tables arp", "arptables -L"],
    }),
  ];
}
