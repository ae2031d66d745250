/** What rtnetlink tells of an interface beyond its place: sizes, losses, programs, bridges. */
import { type Attribute, attributes, type Message } from "./message.ts";
import { decodeLink, IFLA_LINKINFO, type Link, RTM_NEWLINK } from "./rtnetlink.ts";

const IFLA_MTU = 4;
const IFLA_STATS64 = 23;
const IFLA_XDP = 43;
const IFLA_INFO_DATA = 2;
const IFLA_BR_MCAST_SNOOPING = 23;
const IFLA_XDP_ATTACHED = 2;
const IFLA_XDP_PROG_ID = 4;

export interface LinkDetails extends Link {
  readonly mtu: number;
  /** null where the kernel does not count. */
  readonly received: {
    readonly packets: number;
    /** For want of room in the card or its ring. */
    readonly missed: number;
  } | null;
  /** The XDP program on it; null: none. */
  readonly xdp: { readonly program: number } | null;
  /** null where it is no bridge. */
  readonly bridge: { readonly isSnooping: boolean } | null;
}

/** An interface of a dump, or null where the message is something else or is cut short. */
export function decodeLinkDetails(view: DataView, message: Message): LinkDetails | null {
  const link = message.type === RTM_NEWLINK ? decodeLink(view, message) : null;
  if (link === null) return null;
  let mtu = 0;
  let received: LinkDetails["received"] = null;
  let xdp: LinkDetails["xdp"] = null;
  let bridge: LinkDetails["bridge"] = null;
  for (const attribute of attributes(view, message.start + 16, message.end)) {
    switch (attribute.type) {
      case IFLA_MTU:
        mtu = word(view, attribute) ?? 0;
        break;
      case IFLA_STATS64:
        received = readStatistics(view, attribute);
        break;
      case IFLA_XDP:
        xdp = readXdp(view, attribute);
        break;
      case IFLA_LINKINFO:
        if (link.kind === "bridge") bridge = readBridge(view, attribute);
    }
  }
  return { ...link, mtu, received, xdp, bridge };
}

/** struct rtnl_link_stats64: words of 8 bytes. */
function readStatistics(view: DataView, { start, end }: Attribute): LinkDetails["received"] {
  const at = (word: number) => Number(view.getBigUint64(start + 8 * word, true));
  if (end - start < 8 * 16) return null;
  // rx_packets; rx_over_errors, rx_fifo_errors, rx_missed_errors: drivers choose one of the three.
  return { packets: at(0), missed: Math.max(at(11), at(14), at(15)) };
}

function readXdp(view: DataView, nested: Attribute): LinkDetails["xdp"] {
  let isAttached = false, program = 0;
  for (const inner of attributes(view, nested.start, nested.end)) {
    if (inner.type === IFLA_XDP_ATTACHED) isAttached = view.getUint8(inner.start) !== 0;
    else if (inner.type === IFLA_XDP_PROG_ID) program = word(view, inner) ?? 0;
  }
  return isAttached ? { program } : null;
}

function readBridge(view: DataView, linkInfo: Attribute): LinkDetails["bridge"] {
  let isSnooping = false;
  for (const inner of attributes(view, linkInfo.start, linkInfo.end)) {
    if (inner.type !== IFLA_INFO_DATA) continue;
    for (const datum of attributes(view, inner.start, inner.end)) {
      if (datum.type === IFLA_BR_MCAST_SNOOPING) isSnooping = view.getUint8(datum.start) !== 0;
    }
  }
  return { isSnooping };
}

function word(view: DataView, { start, end }: Attribute): number | null {
  return end - start < 4 ? null : view.getUint32(start, true);
}
