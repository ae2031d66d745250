/** What this machine has, in the terms of the configuration: interfaces, addresses, shares. */
import type { Config, ShareConfig } from "../config.ts";
import { AvailError } from "../errors.ts";
import type { InterfaceAddress, Link } from "../netlink/rtnetlink.ts";
import { parseAddress } from "../wire/address.ts";
import { derive, groupMac, type KeyRing, shareGroup } from "../wire/keys.ts";
import type { ProbeTarget } from "./address_probe.ts";
import type { DatapathShare } from "./datapath.ts";
import type { HeartbeatInterface } from "./heartbeat_links.ts";
import { RouteSocket } from "./route_socket.ts";

export interface Machine {
  /** Shares first, then links, as the core numbers them. */
  readonly interfaces: readonly HeartbeatInterface[];
  /** Where the replication can be reached, best first: the links, or without them the shares. */
  readonly replicationAddresses: readonly Uint8Array[];
  /** `share`: its place in the configuration. */
  readonly probes: readonly (Omit<ProbeTarget, "clusterMac"> & { readonly share: number })[];
}

export function readMachine(config: Config): Machine {
  using route = new RouteSocket();
  const links = route.links();
  const own = route.addresses().filter(({ bytes }) => !isShared(config, bytes) && !isGroup(bytes));
  const names = [...config.shares, ...config.links].map((entry) => entry.interface);
  const interfaces = names.map((name) => interfaceOf(name, links));
  const linkAddresses = config.links.map((link) => addressOfLink(link, links, own));
  return {
    interfaces,
    replicationAddresses: config.links.length > 0 ? linkAddresses : config.shares.flatMap(
      (share) => firstAddress(share.interface, links, own) ?? [],
    ),
    probes: config.shares.flatMap((share, i) =>
      share.addresses.map(({ family, address }) => ({
        share: i,
        interfaceIndex: interfaces[i].index,
        mac: interfaces[i].mac,
        address: parseAddress(address)!.bytes,
        ownAddress: own.find((o) => o.index === interfaces[i].index && o.family === family)
          ?.bytes ?? null,
      }))
    ),
  };
}

/** This node's own addresses, in all families: flows from or to them are not the cluster's. */
export function readOwnAddresses(config: Config): Uint8Array[] {
  using route = new RouteSocket();
  return route.addresses().map(({ bytes }) => bytes).filter((bytes) => !isShared(config, bytes));
}

function isShared(config: Config, bytes: Uint8Array): boolean {
  return sharedAddresses(config).some((address) => isEqual(address, bytes));
}

/** The shared addresses of all shares: whatever answers from one is a service of these nodes. */
export function sharedAddresses(config: Config): Uint8Array[] {
  return config.shares.flatMap((share) =>
    share.addresses.map(({ address }) => parseAddress(address)!.bytes)
  );
}

/** The groups of the shares are joined by addresses of their own (lib/host/node_setup.ts). */
function isGroup(bytes: Uint8Array): boolean {
  return bytes.length === 4 ? bytes[0] >> 4 === 14 : bytes[0] === 0xff;
}

function interfaceOf(name: string, links: readonly Link[]): HeartbeatInterface {
  const link = links.find((candidate) => candidate.name === name);
  if (link === undefined) {
    throw new AvailError(`use interface ${name}: there is no such interface`);
  }
  if (link.mac.length !== 6) throw new AvailError(`use interface ${name}: it is no Ethernet one`);
  return { name, index: link.index, mac: link.mac };
}

/** The first address that another node can connect to without naming an interface; IPv4 first. */
function firstAddress(
  name: string,
  links: readonly Link[],
  own: readonly InterfaceAddress[],
): Uint8Array | null {
  const index = links.find((link) => link.name === name)?.index;
  const usable = own.filter((address) => address.index === index && !isLinkLocal(address.bytes));
  return (usable.find(({ family }) => family === 4) ?? usable[0])?.bytes ?? null;
}

function addressOfLink(
  link: Config["links"][number],
  links: readonly Link[],
  own: readonly InterfaceAddress[],
): Uint8Array {
  const { interface: name, address } = link;
  if (address === null) {
    const first = firstAddress(name, links, own);
    if (first !== null) return first;
    throw new AvailError(
      `use link ${name}: it has no address; give it one: ip address add ADDRESS/LENGTH dev ${name}`,
    );
  }
  const { bytes } = parseAddress(address)!;
  if (own.some((present) => isEqual(present.bytes, bytes))) return bytes;
  throw new AvailError(
    `use link ${name}: this machine does not have ${address}; correct the link's address, ` +
      `or give it: ip address add ${address}/LENGTH dev ${name}`,
  );
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1] & 0xc0) === 0x80;
}

/** A share with its MAC: derived from the cluster's seed, or as configured. */
export function datapathShare(share: ShareConfig, keys: KeyRing): DatapathShare {
  const { interface: name, addresses, key, side, nat } = share;
  const group = shareGroup(keys, addresses[0].address);
  const own = { interface: name, addresses, key, side, nat };
  if (share.mac === "auto") return { ...own, mac: groupMac(group), group };
  if (share.mac === "unicast") {
    const bits = derive(
      keys.seed,
      "unicast mac",
      new TextEncoder().encode(addresses[0].address),
      5,
    );
    return { ...own, mac: new Uint8Array([0x02, ...bits]), group: null };
  }
  return {
    ...own,
    mac: Uint8Array.from(share.mac.split(":"), (byte) => parseInt(byte, 16)),
    group: null,
  };
}
