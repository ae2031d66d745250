/**
 * What a node needs besides its programs or devices: shared addresses, ways to their networks, group membership
 * (and settings of the kernel: kernel_settings.ts). Each change is written into the undo log before it
 * is made.
 */
import { AF_INET, close, ioctl, SOCK_DGRAM, socket } from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import type { AddressPrefix, KeyKind } from "../config.ts";
import { AvailError } from "../errors.ts";
import type { InterfaceAddress, Link } from "../netlink/rtnetlink.ts";
import { addressBytes, prefixMask } from "./address_bytes.ts";
import { isIpv6Off, restoreSysctl } from "./kernel_settings.ts";
import type { RouteSocket } from "./route_socket.ts";
import { formatAddress, inPrefix } from "../wire/address.ts";
import type { Change, UndoLog } from "./undo_log.ts";

/** A share on an interface that is there. */
export interface ShareOnLink {
  /** The share's interface. */
  readonly link: Link;
  /** Where the shared addresses are: the interface itself, or the cluster device on top of it. */
  readonly device: LinkName;
  readonly addresses: readonly AddressPrefix[];
  readonly key: KeyKind;
  readonly mac: Uint8Array;
  /** The IPv4 group whose MAC that is, or null for a MAC of the administrator's choice. */
  readonly group: string | null;
}

const SIOCADDMULTI = 0x8931;
const SIOCDELMULTI = 0x8932;
const EEXIST = 17;

/** Checks that the addresses are nobody's yet; throws `AvailError` before anything is changed. */
export function checkAddresses(
  shares: readonly Pick<ShareOnLink, "link" | "addresses">[],
  present: readonly InterfaceAddress[],
  links: readonly Link[],
  undo: UndoLog,
): void {
  for (const { link, addresses } of shares) {
    for (const shared of addresses) {
      if (shared.family === 6 && isIpv6Off(link.name)) {
        const setting = `net.ipv6.conf.${link.name.replaceAll(".", "/")}.disable_ipv6`;
        throw new AvailError(
          `add ${shared.address} to ${link.name}: IPv6 is off there; ` +
            `turn it on: sysctl -w ${setting}=0, or remove the address from the share`,
        );
      }
      const bytes = addressBytes(shared.address);
      const other = present.find((address) =>
        address.family === shared.family && (!isLinkLocal(bytes) || address.index === link.index) &&
        address.bytes.every((byte, i) => byte === bytes[i])
      );
      if (other === undefined) continue;
      const holder = links.find((candidate) => candidate.index === other.index)?.name ?? "?";
      if (undo.has(sharedAddress({ name: holder, index: other.index }, shared))) continue;
      throw new AvailError(
        `add ${shared.address} to ${link.name}: ${holder} has it already; ` +
          `remove it there: ip address del ${shared.address}/${other.prefixLength} dev ${holder}`,
      );
    }
  }
}

/** Adds the shared addresses, and the way to their networks where the node has no own address there. */
export function addAddresses(
  shares: readonly ShareOnLink[],
  route: RouteSocket,
  undo: UndoLog,
): void {
  const present = route.addresses();
  for (const { link, device, addresses } of shares) {
    for (const shared of addresses) {
      const bytes = addressBytes(shared.address);
      make(route, undo, sharedAddress(device, shared), `add ${shared.address} to ${device.name}`);
      const isReachable = shared.prefixLength >= 8 * bytes.length ||
        isLinkLocal(bytes) && isApart({ link, device }) ||
        present.some((own) =>
          own.family === shared.family && own.index === link.index &&
          own.prefixLength <= shared.prefixLength &&
          !isShared(addresses, own) && inPrefix(bytes, 0, own.bytes, own.prefixLength)
        );
      if (!isReachable) {
        const asker = canAskOnLink(link, shared, present) ? link : device;
        const change = connectedRoute(asker, shared);
        make(route, undo, change, `add route to ${change.network}/${change.prefixLength}`);
      }
    }
    if (isApart({ link, device }) && addresses.some(({ family }) => family === 6)) {
      make(
        route,
        undo,
        linkLocalRoute(device),
        `add route to ${linkLocalNetwork} on ${device.name}`,
      );
    }
  }
}

/** Whether the shared addresses have a device of their own. */
function isApart({ link, device }: Pick<ShareOnLink, "link" | "device">): boolean {
  return device.index !== link.index;
}

/**
 * Whether neighbours are asked for by the interface itself. IPv6 asks for the next hop of what it
 * forwards with a link-local address of the device that the route names, or not at all, and a cluster
 * device has none. IPv4 takes the shared address, which must be told with the cluster MAC.
 */
function canAskOnLink(
  link: Link,
  { family }: AddressPrefix,
  present: readonly InterfaceAddress[],
): boolean {
  return family === 6 &&
    present.some((own) => own.index === link.index && isLinkLocal(own.bytes));
}

function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1] & 0xc0) === 0x80;
}

/** Lets the frames for the cluster MAC through the interfaces' filters and snooping switches. */
export function joinGroups(
  shares: readonly ShareOnLink[],
  route: RouteSocket,
  undo: UndoLog,
): void {
  for (const { link, mac, group } of shares) {
    make(route, undo, membership(link, mac, group), `join ${group ?? mac.toHex()} on ${link.name}`);
  }
}

/** What a complete set-up of these shares leaves in the log, besides settings. */
export function wantedChanges(shares: readonly ShareOnLink[]): Change[] {
  return shares.flatMap(({ link, device, addresses, mac, group }) => [
    ...addresses.map((shared) => sharedAddress(device, shared)),
    ...addresses.map((shared) => connectedRoute(device, shared)),
    ...addresses.map((shared) => connectedRoute(link, shared)),
    linkLocalRoute(device),
    membership(link, mac, group),
  ]);
}

/** An interface by its name and number. */
export type LinkName = Pick<Link, "name" | "index">;

function sharedAddress(link: LinkName, { family, address }: AddressPrefix): Change {
  return {
    kind: "address",
    use: "shared",
    interface: link.name,
    index: link.index,
    family,
    address,
  };
}

/** A group is joined by the kernel itself while its address is there, so it outlives the daemon. */
function membership(link: LinkName, mac: Uint8Array, group: string | null): Change {
  const place = { interface: link.name, index: link.index };
  return group === null
    ? { kind: "mac", ...place, mac: mac.toHex() }
    : { kind: "address", use: "group", ...place, family: 4, address: group };
}

function connectedRoute(link: LinkName, { family, address, prefixLength }: AddressPrefix) {
  const mask = prefixMask(family, prefixLength);
  const network = formatAddress(addressBytes(address).map((byte, i) => byte & mask[i]));
  const place = { interface: link.name, index: link.index };
  return { kind: "route", ...place, family, network, prefixLength } as const;
}

const linkLocalNetwork = "fe80::/64";

/**
 * The way back to those who speak to a cluster device from a link-local address: the kernel makes no
 * such route for a device without one of its own. Routes to one network need different metrics; this
 * one's is never compared, since what is link-local always names its device.
 */
function linkLocalRoute({ name, index }: LinkName): Change {
  const [network, length] = linkLocalNetwork.split("/");
  const place = { interface: name, index, family: 6 } as const;
  return { kind: "route", ...place, network, prefixLength: Number(length), metric: 1024 + index };
}

function isShared(shared: readonly AddressPrefix[], own: InterfaceAddress): boolean {
  return shared.some(({ address }) =>
    addressBytes(address).every((byte, i) => byte === own.bytes[i])
  );
}

/** Records and makes a change; one that is in the log already may be there still. */
function make(route: RouteSocket, undo: UndoLog, change: Change, attempt: string): void {
  const isKnown = undo.has(change);
  undo.record(change);
  try {
    perform(route, change, "add");
  } catch (cause) {
    if (!(cause instanceof SystemError)) throw cause;
    if (cause.errno === EEXIST && isKnown) return;
    undo.forget(change);
    if (cause.errno === EEXIST && change.kind !== "address") return;
    throw new AvailError(`${attempt}: ${cause.message}${remedyFor(cause, change)}`, { cause });
  }
}

function remedyFor(error: SystemError, change: Change): string {
  const place = "interface" in change ? change.interface : "";
  if (error.code === "EACCES" || error.code === "EINVAL") {
    return `; IPv6 may be off on ${place}: sysctl net.ipv6.conf.${place}.disable_ipv6`;
  }
  return error.code === "ENETDOWN" ? `; set it up: ip link set ${place} up` : "";
}

function perform(route: RouteSocket, change: Change, verb: "add" | "remove"): void {
  switch (change.kind) {
    case "address": {
      const bytes = addressBytes(change.address);
      const { interface: name, index, family, use } = change;
      const prefixLength = 8 * bytes.length;
      route.changeAddress(verb, { name, index, family, bytes, prefixLength, use });
      break;
    }
    case "route": {
      const network = addressBytes(change.network);
      route.changeRoute(verb, { ...change, network });
      break;
    }
    case "mac":
      changeFilter(verb, change.interface, Uint8Array.fromHex(change.mac));
      break;
  }
}

/** As `ip maddr add` and `del`: struct ifreq with the name and an address of no family. */
function changeFilter(verb: "add" | "remove", name: string, mac: Uint8Array): void {
  const request = new Uint8Array(40);
  request.set(new TextEncoder().encode(name));
  request.set(mac, 18);
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  try {
    ioctl(fd, verb === "add" ? SIOCADDMULTI : SIOCDELMULTI, request);
  } finally {
    close(fd);
  }
}

// ---- the way back

/**
 * Takes back the logged changes that `isMeant` names, the last one first. Whatever is gone already is
 * as good as taken back.
 */
export function takeBack(
  route: RouteSocket,
  undo: UndoLog,
  isMeant: (change: Change) => boolean,
): void {
  const links = route.links();
  for (const change of undo.changes.filter(isMeant).reverse()) {
    if (change.kind === "mount") continue;
    if (change.kind === "sysctl") restoreSysctl(change.path, change.old);
    else if (change.kind === "link") removeLink(route, change, links);
    else if (links.some((l) => l.index === change.index && l.name === change.interface)) {
      try {
        perform(route, change, "remove");
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
      }
    }
    undo.forget(change);
  }
}

function removeLink(
  route: RouteSocket,
  change: Extract<Change, { kind: "link" }>,
  links: readonly Link[],
): void {
  const link = links.find((candidate) =>
    candidate.name === change.interface && candidate.kind === change.linkKind &&
    candidate.lower === change.lower
  );
  if (link === undefined) return;
  try {
    route.deleteClusterDevice(link.index);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== "ENODEV") throw error;
  }
}
