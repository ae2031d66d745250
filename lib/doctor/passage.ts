/** Whether the firewall lets through what the nodes tell each other: streams and heartbeats. */
import { parseAddress } from "../wire/address.ts";
import { heartbeatGroup, heartbeatPort } from "../wire/frame.ts";
import type { FirewallFacts, Listener } from "./firewall.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import { anyPacket, type Network, type Packet, type Ruleset } from "./rules/model.ts";
import { type Walk, walkHook } from "./rules/walk.ts";
import { clusterInterfaces, otherMembers, type Setup } from "./setup.ts";
import { openCommand } from "./streams.ts";

/** Either node of two may call the other: streams come in and go out. */
const directions = [
  {
    verb: "come in by",
    name: "iifname",
    option: "-I INPUT -i",
    hooks: ["ingress", "prerouting", "input"],
  },
  {
    verb: "leave by",
    name: "oifname",
    option: "-I OUTPUT -o",
    hooks: ["output", "postrouting", "egress"],
  },
] as const;

export function replication(facts: FirewallFacts, setup: Setup): Outcome[] {
  const { ruleset, problem, listens } = facts;
  const { config } = setup;
  if (config === null || !config.replication.enabled) return [];
  if (ruleset === null) return problem === null ? [] : [unreadable(problem)];
  const { port } = config.replication;
  const found = listens.flatMap((listener) =>
    directions.flatMap((direction): Outcome[] => {
      const walks = firstPackets(listener, port, setup, direction.name === "iifname")
        .map((packet) => walkAll(ruleset, packet, direction.hooks));
      const walk = walks.find(({ fate }) => fate === "dropped") ??
        walks.find(({ fate }) => fate === "perhaps");
      // What stands is not in the way, whatever the rules look like from here.
      if (walk === undefined || (walk.fate === "perhaps" && areAllConnected(setup))) return [];
      return [blocked(walk, direction, listener, port, areAllConnected(setup))];
    })
  );
  if (found.length > 0) return found;
  return listens.length > 0 ? [fine("the firewall lets replication streams through")] : [];
}

function unreadable(problem: string): Outcome {
  return note("the firewall's rules cannot be read", {
    why: "whether they let the replication through is not known",
    remedy: "run this as root, with nft installed",
    evidence: problem,
  });
}

/** The first packet of a stream with each known peer, or with any in the listener's network. */
function firstPackets(
  { address, prefixLength, interface: name }: Listener,
  port: number,
  { peers }: Setup,
  isIncoming: boolean,
): Packet[] {
  const { family, bytes } = parseAddress(address)!;
  const own: Network = { bytes, prefixLength: 8 * bytes.length };
  const known = peers.flatMap(({ vitals }) => vitals?.replication.addresses ?? [])
    .flatMap((text) => parseAddress(text)?.bytes ?? [])
    .filter((other) => other.length === bytes.length)
    .map((other): Network => ({ bytes: other, prefixLength: own.prefixLength }));
  return (known.length > 0 ? known : [{ bytes, prefixLength }]).map((other) => ({
    ...anyPacket,
    family,
    ...(isIncoming
      ? { input: name, source: other, destination: own }
      : { output: name, source: own, destination: other }),
    protocol: "tcp",
    destinationPort: port,
    state: "new",
  }));
}

function walkAll(ruleset: Ruleset, packet: Packet, hooks: readonly string[]): Walk {
  const walks = hooks.map((hook) => walkHook(ruleset, hook, packet));
  return walks.find(({ fate }) => fate === "dropped") ??
    walks.find(({ fate }) => fate === "perhaps") ?? { fate: "accepted", by: null };
}

function areAllConnected(setup: Setup): boolean {
  const connected = setup.status?.replication.peers.filter((peer) => peer.connected) ?? [];
  return connected.length > 0 && connected.length === otherMembers(setup).length;
}

function blocked(
  { fate, by }: Walk,
  { verb, name, option }: typeof directions[number],
  listener: Listener,
  port: number,
  isConnected: boolean,
): Outcome {
  const { interface: on, address } = listener;
  const what = `replication streams that ${verb} ${on} (${address}, TCP port ${port})`;
  const remedy = `let them through, before ${by!.place}`;
  const command = fate === "perhaps"
    ? openCommand(port)
    : by!.chain.tool === "nft"
    ? `nft insert rule ${by!.chain.name} ${name} "${on}" tcp dport ${port} accept`
    : `${by!.chain.family === "ip6" ? "ip6tables" : "iptables"} ${option} ${on} ` +
      `-p tcp --dport ${port} -j ACCEPT`;
  const details = {
    why: "connections are replicated by streams to this port; without, those of a node die with " +
      "it. Heartbeats pass below the firewall, so the nodes do see each other",
    commands: [command],
    evidence: `${by!.place} drops them`,
  };
  if (fate === "perhaps") {
    return note(`the firewall may drop ${what}`, {
      ...details,
      remedy: "it depends on what cannot be told from outside; if no stream comes about, " + remedy,
    });
  }
  const make = isConnected ? warn : fail;
  return make(`the firewall drops ${what}`, { ...details, remedy });
}

export function heartbeats({ ruleset }: FirewallFacts, setup: Setup): Outcome[] {
  const names = clusterInterfaces(setup);
  if (ruleset === null || names.length === 0) return [];
  const group: Network = { bytes: new Uint8Array(heartbeatGroup), prefixLength: 32 };
  // Packet sockets are above the hook ingress and below all others; what they send passes egress.
  const found = names.flatMap((name) =>
    (["ingress", "egress"] as const).flatMap((hook): Outcome[] => {
      const { fate, by } = walkHook(ruleset, hook, {
        ...anyPacket,
        family: 4,
        ...(hook === "ingress" ? { input: name } : { output: name }),
        protocol: "udp",
        destination: group,
        sourcePort: heartbeatPort,
        destinationPort: heartbeatPort,
      });
      if (fate === "accepted") return [];
      const [make, verb] = fate === "dropped"
        ? [fail, "drops"] as const
        : [note, "may drop"] as const;
      return [
        make(`a rule ${verb} heartbeats on ${name} (${hook})`, {
          why: "nodes that do not hear each other take over from each other",
          remedy: `let UDP port ${heartbeatPort} to 224.0.0.213 through, before ${by!.place}`,
          commands: [`nft insert rule ${by!.chain.name} udp dport ${heartbeatPort} accept`],
          evidence: by!.place,
        }),
      ];
    })
  );
  return found.length > 0 ? found : [fine("no rule stops heartbeats")];
}
