/**
 * rtnetlink (linux/rtnetlink.h, if_link.h, if_addr.h): the few requests with which a node is set up,
 * and the answers to them.
 */
import {
  type Attribute,
  attributes,
  bytesOf,
  type Message,
  type MessageWriter,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  textOf,
} from "./message.ts";

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;

export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_LINK = 5;
const IFLA_MASTER = 10;
export const IFLA_LINKINFO = 18;
export const IFLA_INFO_KIND = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_PRIORITY = 6;

const ARPHRD_ETHER = 1;
const IFF_UP = 1;
const IFF_LOWER_UP = 0x10000;
const IFA_F_NODAD = 0x02;
const IFA_F_NOPREFIXROUTE = 0x200;
const IFA_F_MCAUTOJOIN = 0x400;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_HOST = 254;
const RTN_UNICAST = 1;
/** IFNAMSIZ without the terminating zero. */
const labelBytesMax = 15;
const infinity = 0xffffffff;

const familyNumbers = { 4: 2, 6: 10 } as const; // AF_INET, AF_INET6

/** A network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Whether it carries Ethernet frames, as the loopback and tunnels do not. */
  readonly isEthernet: boolean;
  /** Its link-layer address; empty where it has none. */
  readonly mac: Uint8Array;
  /** `ip -d link` shows it: vlan, bridge, bond, veth, …; null for a plain device. */
  readonly kind: string | null;
  /** The index of the interface that it lies on; null for one of its own. */
  readonly lower: number | null;
  /** The index of the bridge, bond or other device that it is a port of. */
  readonly master: number | null;
  /** Administratively up. */
  readonly isUp: boolean;
  /** Up, and the driver reports a carrier. */
  readonly hasCarrier: boolean;
}

/** An address on an interface. */
export interface InterfaceAddress {
  readonly index: number;
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
}

/** A request for all interfaces. */
export function encodeLinkDump(writer: MessageWriter, sequence: number): void {
  writer.begin(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence, linkHeader(0));
  writer.end();
}

/** Sets an interface up; the answer is an acknowledgement. */
export function encodeLinkUp(writer: MessageWriter, sequence: number, index: number): void {
  const header = linkHeader(index);
  const view = new DataView(header.buffer);
  view.setUint32(8, IFF_UP, true); // ifi_flags
  view.setUint32(12, IFF_UP, true); // ifi_change
  writer.begin(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, sequence, header);
  writer.end();
}

/** struct ifinfomsg; index 0 stands for none. */
export function linkHeader(index: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(16);
  new DataView(header.buffer).setInt32(4, index, true);
  return header;
}

/** A request for all addresses of both families. */
export function encodeAddressDump(writer: MessageWriter, sequence: number): void {
  writer.begin(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, sequence, new Uint8Array(8)); // ifaddrmsg
  writer.end();
}

/** How an address is added or removed. */
export interface AddressRequest extends InterfaceAddress {
  /** The interface's name: without a label of its own, a group would pass for its first address. */
  readonly name: string;
  /**
   * `shared`: no duplicate address detection, no prefix route, and deprecated from the start (IPv6), so
   * that nothing picks it as a source. `group`: a multicast group that the kernel joins while the
   * address is there, whoever added it; its scope keeps it from being picked.
   */
  readonly use: "shared" | "group";
}

export function encodeAddress(
  writer: MessageWriter,
  sequence: number,
  verb: "add" | "remove",
  { name, index, family, bytes, prefixLength, use }: AddressRequest,
): void {
  const isAdded = verb === "add";
  const flags = NLM_F_REQUEST | NLM_F_ACK | (isAdded ? NLM_F_CREATE | NLM_F_EXCL : 0);
  const scope = use === "group" ? RT_SCOPE_HOST : 0;
  const header = new Uint8Array(8); // struct ifaddrmsg
  header.set([familyNumbers[family], prefixLength, 0, scope]);
  new DataView(header.buffer).setUint32(4, index, true);
  writer.begin(isAdded ? RTM_NEWADDR : RTM_DELADDR, flags, sequence, header);
  writer.raw(IFA_LOCAL, bytes);
  writer.raw(IFA_ADDRESS, bytes);
  if (isAdded) {
    if (use === "group") writer.string(IFA_LABEL, `${name.slice(0, labelBytesMax - 2)}:g`);
    const shared = IFA_F_NODAD | IFA_F_NOPREFIXROUTE;
    writer.u32(IFA_FLAGS, use === "group" ? IFA_F_MCAUTOJOIN : shared);
    if (family === 6) {
      const lifetimes = new Uint8Array(16); // struct ifa_cacheinfo: preferred, valid, two times
      new DataView(lifetimes.buffer).setUint32(4, infinity, true);
      writer.raw(IFA_CACHEINFO, lifetimes);
    }
  }
  writer.end();
}

/** A connected route: the network is reached through the interface, without a gateway. */
export interface ConnectedRoute {
  readonly index: number;
  readonly family: 4 | 6;
  /** Host bits are zero. */
  readonly network: Uint8Array;
  readonly prefixLength: number;
  /** Default: the kernel's choice. */
  readonly metric?: number;
}

export function encodeRoute(
  writer: MessageWriter,
  sequence: number,
  verb: "add" | "remove",
  { index, family, network, prefixLength, metric }: ConnectedRoute,
): void {
  const isAdded = verb === "add";
  const flags = NLM_F_REQUEST | NLM_F_ACK | (isAdded ? NLM_F_CREATE | NLM_F_EXCL : 0);
  const header = new Uint8Array(12); // struct rtmsg
  header.set([familyNumbers[family], prefixLength, 0, 0, RT_TABLE_MAIN]);
  header.set([RTPROT_STATIC, family === 4 ? RT_SCOPE_LINK : 0, RTN_UNICAST], 5);
  writer.begin(isAdded ? RTM_NEWROUTE : RTM_DELROUTE, flags, sequence, header);
  writer.raw(RTA_DST, network);
  writer.u32(RTA_OIF, index);
  if (metric !== undefined) writer.u32(RTA_PRIORITY, metric);
  writer.end();
}

/** An interface of a dump, or null where the message is something else or is cut short. */
export function decodeLink(view: DataView, message: Message): Link | null {
  if (message.type !== RTM_NEWLINK || message.start + 16 > message.end) return null;
  let name = "", mac = new Uint8Array(0), kind: string | null = null;
  let lower: number | null = null, master: number | null = null;
  for (const attribute of attributes(view, message.start + 16, message.end)) {
    if (attribute.type === IFLA_IFNAME) name = textOf(view, attribute);
    else if (attribute.type === IFLA_ADDRESS) mac = bytesOf(view, attribute);
    else if (attribute.type === IFLA_LINK) lower = indexOf(view, attribute);
    else if (attribute.type === IFLA_MASTER) master = indexOf(view, attribute);
    else if (attribute.type === IFLA_LINKINFO) {
      for (const inner of attributes(view, attribute.start, attribute.end)) {
        if (inner.type === IFLA_INFO_KIND) kind = textOf(view, inner);
      }
    }
  }
  const flags = view.getUint32(message.start + 8, true);
  return {
    index: view.getInt32(message.start + 4, true),
    name,
    isEthernet: view.getUint16(message.start + 2, true) === ARPHRD_ETHER,
    mac,
    kind,
    lower,
    master,
    isUp: (flags & IFF_UP) !== 0,
    hasCarrier: (flags & IFF_LOWER_UP) !== 0,
  };
}

/** An interface's number; null where the attribute is cut short. */
function indexOf(view: DataView, { start, end }: Attribute): number | null {
  return end - start < 4 ? null : view.getUint32(start, true);
}

/** An address of a dump, or null where the message is something else or is cut short. */
export function decodeAddress(view: DataView, message: Message): InterfaceAddress | null {
  if (message.type !== RTM_NEWADDR || message.start + 8 > message.end) return null;
  const family = view.getUint8(message.start) === familyNumbers[4] ? 4 : 6;
  let local: Uint8Array | undefined, address: Uint8Array | undefined;
  for (const attribute of attributes(view, message.start + 8, message.end)) {
    if (attribute.type === IFA_LOCAL) local = bytesOf(view, attribute);
    else if (attribute.type === IFA_ADDRESS) address = bytesOf(view, attribute);
  }
  const bytes = local ?? address; // on a point-to-point link, IFA_ADDRESS is the other end
  if (bytes?.length !== (family === 4 ? 4 : 16)) return null;
  return {
    index: view.getUint32(message.start + 4, true),
    family,
    bytes,
    prefixLength: view.getUint8(message.start + 1),
  };
}
