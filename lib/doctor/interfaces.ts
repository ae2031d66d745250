/** Whether the interfaces of shares and links are there, up, and fit for their part. */
import type { LinkDetails } from "../netlink/link_details.ts";
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import { membersMax } from "../limits.ts";
import { clusterInterfaces, isRouter, otherMembers, type Setup } from "./setup.ts";
import {
  arrivals,
  groupFilter,
  losses,
  offloads,
  snooping,
  speed,
  virtualSwitch,
  xdpMode,
} from "./reception.ts";
import { list } from "./words.ts";

export interface InterfacesFacts {
  /** All of this network namespace. */
  readonly links: readonly LinkDetails[];
  /** Of the shares and links, by name. */
  readonly ethernet: ReadonlyMap<string, EthernetFacts>;
  /** The cluster MAC of each share that has a group MAC, by interface, in hexadecimal digits. */
  readonly clusterMacs: ReadonlyMap<string, string>;
  /** Ids of the XDP programs that avail run has pinned. */
  readonly ownPrograms: readonly number[];
  /** Such as `kvm`, `vmware`; null on a machine of its own. */
  readonly virtualisation: string | null;
  /** Frames behind the drivers since the boot (softnet_stat); null: not known. */
  readonly backlog: { readonly taken: number; readonly dropped: number } | null;
}

export interface EthernetFacts {
  readonly driver: string | null;
  /** Megabits a second; null where the driver does not say. */
  readonly speed: number | null;
  readonly isHalfDuplex: boolean;
  /** Features of `ethtool -k` that are on, by the kernel's names. */
  readonly features: readonly string[];
  /** Whether the driver runs XDP programs; null: the kernel does not say. */
  readonly hasXdp: boolean | null;
  /** Group MACs in its filter, in hexadecimal digits. */
  readonly groups: readonly string[];
}

export const interfacesGroup: Group<"interfaces", InterfacesFacts> = {
  name: "interfaces",
  title: "Interfaces",
  checks: [
    { id: "link-state", brief: "they are there, up, and have a carrier", examine: present },
    { id: "enslaved", brief: "no share is a port of a bridge or bond", examine: enslaved },
    { id: "dedicated-link", brief: "heartbeats have a way of their own", examine: dedicated },
    { id: "mtu", brief: "what the nodes tell each other fits, all sizes agree", examine: mtu },
    { id: "mtu-nodes", brief: "the MTU of each share is the same on all nodes", examine: mtuNodes },
    { id: "offloads", brief: "no offload hides what the datapath must see", examine: offloads },
    { id: "xdp", brief: "frames of others are refused the fast way", examine: xdpMode },
    { id: "speed", brief: "links are as fast as shares", examine: speed },
    { id: "receive-losses", brief: "no frame was lost on the way in", examine: losses },
    { id: "group-filter", brief: "the cluster MAC is let in", examine: groupFilter },
    { id: "cluster-frames", brief: "frames for the shared addresses come in", examine: arrivals },
    { id: "snooping", brief: "a bridge of this machine keeps no frame back", examine: snooping },
    { id: "virtual-switch", brief: "what a hypervisor has to allow", examine: virtualSwitch },
  ],
};

export function linkOf(facts: InterfacesFacts, name: string): LinkDetails | undefined {
  return facts.links.find((link) => link.name === name);
}

function present(facts: InterfacesFacts, setup: Setup): Outcome[] {
  const names = clusterInterfaces(setup);
  const shares = setup.config?.shares.map((share) => share.interface) ?? [];
  const found = names.flatMap((name) => {
    const use = shares.includes(name) ? "share" : "link";
    const link = linkOf(facts, name);
    if (link === undefined) {
      return [
        fail(`there is no interface ${name}`, {
          why: `the configuration names it as a ${use}; avail run does not start without`,
          remedy: "correct the configuration, or make the interface",
          commands: ["ip -br link"],
          evidence: `there are ${facts.links.map((each) => each.name).join(", ")}`,
        }),
      ];
    }
    if (!link.isEthernet) {
      return [
        fail(`${name} is no Ethernet interface`, {
          why: "a shared address is answered for by ARP and NDP, heartbeats are Ethernet frames",
          remedy: `choose another interface for this ${use}`,
        }),
      ];
    }
    if (!link.isUp) {
      return [
        fail(`${name} is down`, {
          why: use === "share"
            ? "this node may own no buckets"
            : "a way less for heartbeats; replication cannot use it",
          remedy: "set it up, and have the system do so at boot",
          commands: [`ip link set ${name} up`],
        }),
      ];
    }
    if (link.hasCarrier) return [];
    const make = use === "share" ? fail : warn;
    return [
      make(`${name} has no carrier`, {
        why: use === "share"
          ? "this node may own no buckets"
          : "a way less for heartbeats; replication cannot use it",
        remedy: "look at the cable, the switch's port, or the other end",
        commands: [`ethtool ${name}`],
      }),
    ];
  });
  if (found.length > 0) return found;
  return names.length > 0 ? [fine(`${list(names)} ${names.length > 1 ? "are" : "is"} up`)] : [];
}

function enslaved(facts: InterfacesFacts, setup: Setup): Outcome[] {
  const shares = setup.config?.shares.map((share) => share.interface) ?? [];
  const found = shares.flatMap((name) => {
    const index = linkOf(facts, name)?.master ?? null;
    if (index === null) return [];
    const master = facts.links.find((link) => link.index === index);
    // A VRF is a routing table, not a receiver of frames.
    if (master?.kind === "vrf") return [];
    const above = master?.name ?? `interface ${index}`;
    return [
      fail(`${name} is a port of ${above}`, {
        why: `${above} receives its frames: addresses on ${name} answer nobody`,
        remedy: `name ${above} as the share instead of ${name}`,
      }),
    ];
  });
  if (found.length > 0) return found;
  return shares.length > 0 ? [fine("no share is a port of another device")] : [];
}

function dedicated(_: InterfacesFacts, { config }: Setup): Outcome[] {
  if (config === null) return [];
  const shares = config.shares.map((share) => share.interface);
  const own = config.links.filter((link) => !shares.includes(link.interface));
  if (own.length > 0) {
    return [fine(`${list(own.map((link) => link.interface))} is for the cluster alone`)];
  }
  return [
    warn("there is no dedicated link", {
      why: "heartbeats and replication share their way with the traffic: a flood or a broken " +
        "switch takes both, and the parts of the cluster may each think the other dead",
      remedy: "connect the nodes by a cable or VLAN of their own, and name its interface in a " +
        "[[link]] of the configuration",
    }),
  ];
}

/** A heartbeat of the largest cluster fills such a packet (datagramBytesMax and its headers). */
const datagramMtu = 1500;
/** What one member less takes off it (lib/wire/heartbeat.ts). */
const peerBytes = 28;
/** A full part of a plan or an order: 1280 bytes and their headers (lib/wire/plan_parts.ts). */
const partMtu = 1390;

/** The largest packet that nodes send each other, in a cluster of this size. */
function neededMtu(setup: Setup): number {
  const missing = membersMax - 1 - otherMembers(setup).length;
  return Math.max(partMtu, datagramMtu - missing * peerBytes);
}

function mtu(facts: InterfacesFacts, setup: Setup): Outcome[] {
  const names = clusterInterfaces(setup);
  const sizes = names.flatMap((name) => {
    const link = linkOf(facts, name);
    return link === undefined ? [] : [{ name, mtu: link.mtu }];
  });
  const needed = neededMtu(setup);
  // What one interface does not carry, another one may.
  const make = sizes.every(({ mtu }) => mtu < needed) ? fail : warn;
  const found: Outcome[] = sizes.filter(({ mtu }) => mtu < needed).map(({ name, mtu }) =>
    make(`${name} carries packets of ${mtu} bytes only`, {
      why: `what nodes tell each other takes up to ${needed} and is not fragmented: plans and ` +
        "orders do not leave by it" +
        (make === fail ? ", nor by any other" : ", but by others while those work"),
      remedy: `let it be ${datagramMtu}, on all nodes and the switch`,
      commands: [`ip link set ${name} mtu ${datagramMtu}`],
    })
  );
  const shares = setup.config?.shares.map((share) => share.interface) ?? [];
  const ofShares = sizes.filter(({ name }) => shares.includes(name));
  if (isRouter(setup) && new Set(ofShares.map((each) => each.mtu)).size > 1) {
    found.push(note("the shares have different MTUs", {
      why: "large packets are fragmented, or refused with an ICMP error that names the size " +
        "(avail gives it to the connection's owner); let no firewall drop those",
      remedy: null,
      evidence: ofShares.map(({ name, mtu }) => `${name} ${mtu}`).join(", "),
    }));
  }
  if (found.length > 0) return found;
  return sizes.length > 0
    ? [fine("the MTUs fit", sizes.map(({ name, mtu }) => `${name} ${mtu}`).join(", "))]
    : [];
}

function mtuNodes(_: InterfacesFacts, { config, vitals, peers }: Setup): Outcome[] {
  if (config === null || vitals === null) return [];
  const others = peers.filter((peer) => peer.vitals !== null);
  if (others.length === 0) return [];
  const nodes = [{ name: vitals.node, vitals }, ...others];
  const found = (["shares", "links"] as const).flatMap((kind) =>
    vitals[kind].flatMap((own, i) => {
      const sizes = nodes.flatMap(({ name, vitals }) => {
        const mtu = vitals?.[kind][i]?.mtu ?? null;
        return mtu === null ? [] : [{ name, mtu }];
      });
      if (new Set(sizes.map(({ mtu }) => mtu)).size < 2) return [];
      return [
        warn(`the MTU of ${own.interface} differs between the nodes`, {
          why: kind === "shares"
            ? "packets that pass one node are too large for another: connections that move hang"
            : "large packets of the replication may vanish between the nodes",
          remedy: `give ${kind === "shares" ? "this share" : "this link"} one MTU on all nodes`,
          commands: [`ip link set ${own.interface} mtu ${Math.min(...sizes.map((s) => s.mtu))}`],
          evidence: sizes.map(({ name, mtu }) => `${name} ${mtu}`).join(", "),
        }),
      ];
    })
  );
  return found.length > 0 ? found : [fine("all nodes have the same MTUs")];
}
