/**
 * Names and addresses of a lab, all from the ranges for documentation (RFC 5737, RFC 3849):
 *
 *     clients --- inside ---+-- fw1 --+--- outside --- servers
 *     192.0.2.0/24          +-- fw2 --+          203.0.113.0/24
 *     2001:db8:1::/64       +-- fw3 --+         2001:db8:2::/64
 *                             \  |  /
 *                              sync   198.51.100.0/24
 *
 * Each of clients, fw1 … servers is a network namespace; the three bridges live in one more, the
 * switch. A port of the switch is named after what is plugged in: `fw1-inside`.
 */

export type Family = 4 | 6;
export const families: readonly Family[] = [4, 6];

/** A node's interfaces, each on the bridge of the same name. */
export const nodeInterfaces = ["inside", "outside", "sync"] as const;
export type NodeInterface = typeof nodeInterfaces[number];

/** Different client addresses in each family. */
export const clientAddressesMax = 200;
/** Server addresses in each family. */
export const serverAddresses = 4;
/** Nodes' own addresses end where the clients' begin. */
export const nodesMax = 9;

const networks = {
  inside: { 4: "192.0.2.", 6: "2001:db8:1::" },
  outside: { 4: "203.0.113.", 6: "2001:db8:2::" },
  sync: { 4: "198.51.100.", 6: "" },
} as const;

/** The address of the cluster: what hosts on that side have as their default route. */
export function sharedAddress(side: "inside" | "outside", family: Family): string {
  return `${networks[side][family]}1`;
}

/** A node's own address; nodes count from 1. */
export function nodeAddress(on: NodeInterface, node: number, family: Family): string {
  return `${networks[on][family]}${10 + node}`;
}

/** `index` counts from 0 to `clientAddressesMax - 1`. */
export function clientAddress(index: number, family: Family): string {
  return `${networks.inside[family]}${20 + index % clientAddressesMax}`;
}

/** `index` counts from 0; it wraps at `serverAddresses`. */
export function serverAddress(index: number, family: Family): string {
  return `${networks.outside[family]}${100 + index % serverAddresses}`;
}

export function prefixLength(family: Family): number {
  return family === 4 ? 24 : 64;
}

/** Names that belong to one lab only, so that two can coexist. */
export class LabNames {
  /** Of every namespace of this lab, and of no other's. */
  readonly prefix: string;
  /** Configuration, logs, sockets and pinned programs. */
  readonly directory: string;

  /** @param id Lower-case letters and digits. */
  constructor(readonly id: string) {
    this.prefix = `avail-${id}-`;
    this.directory = `/run/avail-demo-${id}`;
  }

  namespace(host: string): string {
    return `${this.prefix}${host}`;
  }
}

/** The port of the switch that `host`'s `interface` is plugged into. */
export function switchPort(host: string, on: string): string {
  return `${host}-${on}`;
}
