/** Whether frames for the cluster MAC reach the datapath, whole and in time. */
import { fine, note, type Outcome, warn } from "./finding.ts";
import type { InterfacesFacts } from "./interfaces.ts";
import { clusterInterfaces, isRouter, type Setup } from "./setup.ts";
import { counted, duration, grouped, list } from "./words.ts";

/** Devices above others, where the classifier at tc ingress does all. */
const stackedKinds = ["vlan", "bridge", "bond", "team"];

function shareNames({ config }: Setup): string[] {
  return config?.shares.map((share) => share.interface) ?? [];
}

function linkOf(facts: InterfacesFacts, name: string) {
  return facts.links.find((link) => link.name === name);
}

export function offloads(facts: InterfacesFacts, setup: Setup): Outcome[] {
  const names = shareNames(setup);
  const found: Outcome[] = [];
  for (const name of names) {
    const features = facts.ethernet.get(name)?.features ?? [];
    if (features.includes("rx-lro") && isRouter(setup)) {
      found.push(warn(`${name} merges received packets (LRO)`, {
        why: "merged packets cannot be forwarded as they came, and most drivers run no XDP " +
          "program beside it",
        remedy: "turn it off; GRO, which can be undone, may stay on",
        commands: [`ethtool -K ${name} lro off`],
      }));
    }
    const mac = facts.clusterMacs.get(name);
    const index = linkOf(facts, name)?.index;
    const twins = names.filter((other) => {
      const link = linkOf(facts, other);
      return link?.kind === "vlan" && link.lower === index && mac !== undefined &&
        facts.clusterMacs.get(other) === mac;
    });
    if (twins.length === 0 || !features.includes("rx-vlan-hw-parse")) continue;
    if (linkOf(facts, name)?.xdp === null) continue;
    found.push(warn(`${name} takes VLAN tags off in hardware, and ${list(twins)} has its MAC`, {
      why: "an XDP program does not see tags that hardware took off: it takes frames of the VLAN " +
        `for frames of ${name}`,
      remedy: "give each share a MAC of its own (the default), or leave the tags on",
      commands: [`ethtool -K ${name} rxvlan off`],
    }));
  }
  if (found.length > 0) return found;
  return facts.ethernet.size > 0 ? [fine("no offload is in the way")] : [];
}

export function xdpMode(facts: InterfacesFacts, setup: Setup): Outcome[] {
  const { config, status } = setup;
  const backend = status?.datapath.backend ?? config?.datapath.backend;
  if (config === null || (backend !== "xdp" && backend !== "auto")) return [];
  const found: Outcome[] = [];
  for (const name of shareNames(setup)) {
    const link = linkOf(facts, name);
    if (link === undefined || stackedKinds.includes(link.kind ?? "")) continue;
    const isForeign = link.xdp !== null && !facts.ownPrograms.includes(link.xdp.program);
    if (isForeign) {
      found.push(warn(`${name} has an XDP program that is not avail's`, {
        why: "it sees frames before avail does; with the xdp datapath, frames of other nodes are " +
          "refused later then, in tc, which costs more",
        remedy: "if nothing needs it, take it off, then restart avail run",
        commands: [`ip link set ${name} xdp off`],
        evidence: `program ${link.xdp!.program}`,
      }));
    } else if (status?.datapath.backend === "xdp" && link.xdp === null) {
      found.push(note(`frames come in by tc on ${name}, not by XDP`, {
        why: "frames of other nodes are refused later, which costs more; it works as well",
        remedy: facts.ethernet.get(name)?.hasXdp === false
          ? "its driver has no XDP; the kernel module is cheaper than tc"
          : "a large MTU or LRO keeps drivers from XDP: see the log of avail run's start",
        commands: ["avail kmod build"],
        evidence: driverOf(facts, name),
      }));
    } else if (facts.ethernet.get(name)?.hasXdp === false) {
      found.push(note(`the driver of ${name} runs no XDP programs`, {
        why: "with the xdp datapath, frames of other nodes are refused in tc, which costs more",
        remedy: "optional: build the kernel module",
        commands: ["avail kmod build"],
        evidence: driverOf(facts, name),
      }));
    }
  }
  if (found.length > 0) return found;
  return backend === "xdp" ? [fine("frames of other nodes are refused by XDP")] : [];
}

function driverOf(facts: InterfacesFacts, name: string): string | undefined {
  const driver = facts.ethernet.get(name)?.driver ?? null;
  return driver === null ? undefined : `driver ${driver}`;
}

export function speed(facts: InterfacesFacts, setup: Setup): Outcome[] {
  const found: Outcome[] = [];
  for (const name of clusterInterfaces(setup)) {
    if (!facts.ethernet.get(name)?.isHalfDuplex) continue;
    found.push(warn(`${name} runs at half duplex`, {
      why: "collisions delay and lose heartbeats",
      remedy: "let both ends negotiate, or fix both to the same",
      commands: [`ethtool -s ${name} autoneg on`],
    }));
  }
  const speedOf = (name: string) => facts.ethernet.get(name)?.speed ?? null;
  const shares = shareNames(setup).map(speedOf).filter((each) => each !== null);
  const links = (setup.config?.links ?? []).map((link) => link.interface);
  const fastest = Math.max(0, ...shares);
  for (const name of links) {
    const own = speedOf(name);
    if (own === null || own * 10 >= fastest) continue;
    found.push(warn(`the link ${name} is far slower than a share`, {
      why: "new connections come faster than they can be told to the backups; " +
        "the cluster is not safe meanwhile",
      remedy: "use a faster link, or check what it has negotiated",
      commands: [`ethtool ${name}`],
      evidence: `${name} ${own} Mbit/s, the fastest share ${fastest} Mbit/s`,
    }));
  }
  if (found.length > 0) return found;
  return facts.ethernet.size > 0 ? [fine("links are fast enough")] : [];
}

/** One frame lost in so many is worth a word. */
const lossPart = 1e-5;
const lossMin = 100;

export function losses(facts: InterfacesFacts, setup: Setup): Outcome[] {
  const found: Outcome[] = [];
  for (const name of clusterInterfaces(setup)) {
    const stats = linkOf(facts, name)?.received ?? null;
    if (stats === null || stats.missed < lossMin) continue;
    if (stats.missed < lossPart * stats.packets) continue;
    found.push(warn(`${name} has lost frames for want of room`, {
      why: "each node receives all traffic of a share, so its receive ring must hold the bursts " +
        "of the whole cluster",
      remedy: "let the ring be larger (ethtool -g shows how far)",
      commands: [`ethtool -G ${name} rx 4096`],
      evidence: `${grouped(stats.missed)} of ${counted(stats.packets, "frame")} since the boot`,
    }));
  }
  const { taken, dropped } = facts.backlog ?? { taken: 0, dropped: 0 };
  if (dropped >= lossMin && dropped >= lossPart * taken) {
    found.push(warn("frames were dropped in the backlog behind the drivers", {
      why: "processors did not keep up with a burst; each node receives all traffic of a share",
      remedy: "let the backlog be longer, and spread interrupts over the processors",
      commands: ["sysctl -w net.core.netdev_max_backlog=10000"],
      evidence: `${grouped(dropped)} of ${counted(taken, "frame")} since the boot (softnet_stat)`,
    }));
  }
  if (found.length > 0) return found;
  return setup.config === null ? [] : [fine("no frames were lost on the way in")];
}

export function groupFilter(facts: InterfacesFacts, setup: Setup): Outcome[] {
  if (setup.status === null || facts.clusterMacs.size === 0) return [];
  if (setup.status.datapath.backend === "clusterip") return [];
  const missing = [...facts.clusterMacs].filter(([name, mac]) =>
    facts.ethernet.has(name) && !facts.ethernet.get(name)!.groups.includes(mac)
  );
  if (missing.length === 0) return [fine("the cluster MACs are in the interfaces' filters")];
  return missing.map(([name, mac]) =>
    warn(`${name} does not listen to the cluster MAC`, {
      why: "avail run joined its group; something has taken it out. A card that filters, and a " +
        "switch that snoops, deliver nothing for the shared addresses to this node",
      remedy: "restart avail run on this node, drained",
      commands: ["avail drain", setup.service.restart],
      evidence: mac.replace(/..(?=.)/g, "$&:"),
    })
  );
}

/** So long something should have come: an ARP request, a ping. */
const quietMsMax = 600_000;

export function arrivals(_: InterfacesFacts, { status, vitals }: Setup): Outcome[] {
  if (status === null || vitals === null || status.datapath.backend === "clusterip") return [];
  const { accepted, dropped } = status.datapath;
  if (accepted + dropped.notOwned > 0) return [fine("frames for the shared addresses come in")];
  if (vitals.upMs < quietMsMax) return [];
  return [
    note(`no frame for a shared address has come in ${duration(vitals.upMs)}`, {
      why: "either nobody uses them, or a switch keeps them from this node: one that snoops on " +
        "multicast and has forgotten it, or one that refuses group MACs",
      remedy: "from a host of the share's network, look whether its frames come here; if they do " +
        'not, turn snooping off on the switch, or set mac = "unicast" on the share',
      commands: ["tcpdump -nei any -c 5 ether multicast and ip"],
    }),
  ];
}

export function snooping(facts: InterfacesFacts, setup: Setup): Outcome[] {
  const names = shareNames(setup);
  const found = names.flatMap((name) => {
    const bridge = linkOf(facts, name)?.bridge ?? null;
    if (bridge === null || !bridge.isSnooping) return [];
    return [
      warn(`the bridge ${name} snoops on multicast`, {
        why: "IP packets in a frame with a group MAC go only to ports that it takes for members: " +
          "with a querier in the network, traffic for the shared addresses is dropped",
        remedy: "turn snooping off on it, or make its ports router ports",
        commands: [
          `ip link set ${name} type bridge mcast_snooping 0`,
          "bridge link set dev PORT mcast_router 2",
        ],
      }),
    ];
  });
  if (found.length > 0) return found;
  const isOnBridge = names.some((name) => linkOf(facts, name)?.bridge);
  return isOnBridge ? [fine("bridges of this machine deliver the cluster MAC")] : [];
}

/** What each kind of hypervisor calls it. */
const allowances: Readonly<Record<string, string>> = {
  vmware: "the port group: accept promiscuous mode, MAC address changes and forged transmits",
  microsoft: "the network adapter: enable MAC address spoofing",
  oracle: "the adapter: promiscuous mode, allow all",
  kvm: "the bridge of the host: mcast_snooping 0, or mcast_router 2 on the guests' ports; " +
    "macvtap: trustGuestRxFilters",
  xen: "the bridge of the host: mcast_snooping 0, or mcast_router 2 on the guests' ports",
};

export function virtualSwitch(facts: InterfacesFacts, setup: Setup): Outcome[] {
  const kind = facts.virtualisation;
  // Bridges, VLANs and the like stand on a card; veth and its kind on none.
  const isOnCard = shareNames(setup).some((name) => {
    const link = linkOf(facts, name);
    return link !== undefined && (link.kind === null || stackedKinds.includes(link.kind));
  });
  if (kind === null || !isOnCard) return [];
  // Where frames of the cluster come in, the virtual switch evidently lets them.
  const { datapath } = setup.status ?? {};
  const came = datapath === undefined ? 0 : datapath.accepted + datapath.dropped.notOwned;
  if (came > 0) return [fine("the virtual switch delivers the cluster MAC")];
  return [
    note(`this is a virtual machine${kind === "virtual" ? "" : ` (${kind})`}`, {
      why:
        "its virtual switch must deliver frames for a group MAC to every node, and let answers " +
        "with the cluster MAC out; clouds that route do neither",
      remedy: allowances[kind] ?? 'allow group MACs there, or set mac = "unicast" on the share',
    }),
  ];
}
