/** Tells the shares' networks what lib/announcing.ts finds due. */
import { SystemError } from "../../ffi/library.ts";
import { Announcing } from "../announcing.ts";
import type { LogFields } from "../log.ts";
import type { CoreEvent } from "../node_types.ts";
import { BucketHash, type BucketSeed } from "../ownership/bucket.ts";
import type { InterfaceAddress, Link } from "../netlink/rtnetlink.ts";
import {
  announcementFrame,
  groupsMax,
  igmpReport,
  mldReport,
  solicitedNodeGroup,
} from "../wire/announcement.ts";
import { addressBytes } from "./address_bytes.ts";
import { now } from "./clock.ts";
import type { DatapathShare } from "./datapath.ts";
import { PacketSocket } from "./packet_socket.ts";
import { RouteSocket } from "./route_socket.ts";

/** A share, and the interface on which its addresses are. */
export type AnnouncedShare =
  & Pick<DatapathShare, "interface" | "addresses" | "mac" | "group">
  & { readonly device: string };

export interface AnnouncerParts {
  readonly shares: readonly AnnouncedShare[];
  readonly seed: BucketSeed;
  /** Who has each bucket, and which of them this node is. */
  owners(): Promise<{ readonly name: string; readonly owners: readonly (string | null)[] }>;
  readonly log: Record<"info" | "warn", (message: string, fields: LogFields) => void>;
}

export class Announcer {
  readonly #parts: AnnouncerParts;
  readonly #announcing: Announcing;
  readonly #hash: BucketHash;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
    this.#announcing = new Announcing(parts.shares.length);
    this.#hash = new BucketHash(parts.seed);
  }

  event(event: CoreEvent): void {
    this.#announcing.event(event, now());
    this.#schedule();
  }

  /** As of `Announcing`. */
  carrier(interfaceIndex: number): void {
    this.#announcing.carrier(interfaceIndex, now());
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const { deadline } = this.#announcing;
    if (this.#isClosed || deadline === Infinity) return;
    this.#timer = setTimeout(() => this.#announceDue(), Math.max(0, deadline - now()));
  }

  /** Nothing here is worth the daemon's end. */
  async #announceDue(): Promise<void> {
    try {
      await this.#announce();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#parts.log.warn(`the shares could not be announced: ${why}`, { event: "announced" });
    }
  }

  async #announce(): Promise<void> {
    const due = this.#announcing.due(now());
    this.#schedule();
    const { name, owners } = await this.#parts.owners();
    if (this.#isClosed) return;
    for (const { share: index, because } of due) {
      const share = this.#parts.shares[index];
      // As with answers, one node tells each address: the owner of that address's own bucket.
      const addresses = share.addresses.map(({ address }) => addressBytes(address))
        .filter((bytes) => owners[this.#hash.ofSource(bytes, 0, bytes.length)] === name);
      if (!announce(share, addresses) || because === null) continue;
      this.#parts.log.info(`${share.interface} is announced: ${because}`, {
        event: "announced",
        share: share.interface,
        addresses: addresses.length,
      });
    }
  }
}

/**
 * `addresses`: those of the share's that are told; its groups are reported in any case. false: its interface
 * is not there.
 */
function announce(share: AnnouncedShare, addresses: readonly Uint8Array[]): boolean {
  using route = new RouteSocket();
  const links = route.links();
  const link = links.find(({ name }) => name === share.interface);
  const device = links.find(({ name }) => name === share.device);
  if (link === undefined || device === undefined) return false;
  const own = route.addresses().filter(({ index }) => index === link.index);
  send(link, reports(share, link, own));
  const isRouter = isForwarding(device.name);
  const { mac } = share;
  const told = addresses.map((bytes) =>
    announcementFrame(bytes, { from: link.mac, mac, isRouter })
  );
  send(device, told);
  return true;
}

function reports(
  { interface: name, addresses, group }: AnnouncedShare,
  { mac: from }: Link,
  own: readonly InterfaceAddress[],
): Uint8Array<ArrayBuffer>[] {
  const isShared = (bytes: Uint8Array) =>
    addresses.some(({ address }) => isEqual(addressBytes(address), bytes));
  const ownOf = (family: 4 | 6) =>
    own.filter(({ family: of, bytes }) => of === family && !isShared(bytes));
  const frames: Uint8Array<ArrayBuffer>[] = [];
  if (group !== null) {
    const source = ownOf(4).find(({ bytes }) => bytes[0] < 224)?.bytes ?? new Uint8Array(4);
    frames.push(igmpReport(addressBytes(group), { from, source, version: igmpVersion(name) }));
  }
  const groups = addresses.filter(({ family }) => family === 6)
    .map(({ address }) => solicitedNodeGroup(addressBytes(address)));
  const source = ownOf(6).find(({ bytes }) => bytes[0] === 0xfe)?.bytes ?? new Uint8Array(16);
  for (let i = 0; i < groups.length; i += groupsMax) {
    frames.push(mldReport(groups.slice(i, i + groupsMax), { from, source }));
  }
  return frames;
}

/** An interface that is down, or has gone meanwhile, takes none. */
function send({ index }: Link, frames: readonly Uint8Array<ArrayBuffer>[]): void {
  // The datapath goes by the protocol of the socket, which receives nothing.
  for (const [protocol, those] of Map.groupBy(frames, (frame) => frame[12] << 8 | frame[13])) {
    try {
      const socket = new PacketSocket(index, protocol, [[0x06, 0, 0, 0]], 0);
      for (const frame of those) socket.send(frame);
      socket.close();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }
}

/** What the network's querier speaks, as the kernel goes by it: lines as `2 eth0 : 3 V3`. */
function igmpVersion(name: string): 1 | 2 | 3 {
  for (const line of readOr("/proc/self/net/igmp", "").split("\n")) {
    const [, found, version] = /^\d+\s+(\S+)\s*:\s*\d+\s+V([12])/.exec(line) ?? [];
    if (found === name) return version === "1" ? 1 : 2;
  }
  return 3;
}

function isForwarding(device: string): boolean {
  return readOr(`/proc/sys/net/ipv6/conf/${device}/forwarding`, "0").trim() !== "0";
}

function readOr(path: string, otherwise: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return otherwise;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
