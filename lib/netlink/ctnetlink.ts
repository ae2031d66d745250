/**
 * Connection tracking over netlink (linux/netfilter/nfnetlink_conntrack.h): events and dumps into
 * records, records into the messages that create, change and delete entries.
 *
 * What the kernel takes (net/netfilter/nf_conntrack_netlink.c), and what follows from it here:
 * - Of the status only CONFIRMED, ASSURED and SEEN_REPLY can be given; clearing one is EBUSY.
 * - Address translation is given on create only (EOPNOTSUPP on a change), as CTA_NAT_SRC/DST beside
 *   a reply tuple without translation.
 * - A TCP window that another node tracked is unknown here, so that every entry that is written says
 *   BE_LIBERAL for both directions.
 */
import { AF_INET, AF_INET6 } from "./family.ts";
import {
  type FlowRecord,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  isEcho,
  originalDestination,
  originalSource,
  plainReplyDestinationPort,
  plainReplySourcePort,
  replyDestination,
  replySource,
  zoneBoth,
  zoneOriginal,
  zoneReply,
} from "./flow_record.ts";
import {
  align4,
  type MessageWriter,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
} from "./message.ts";

/** nlmsg_type: NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_* */
export const ctNew = 0x100;
export const ctGet = 0x101;
export const ctDelete = 0x102;

/** Groups of a netlink socket that listens to NEW, UPDATE and DESTROY (NF_NETLINK_CONNTRACK_*). */
export const conntrackGroups = 1 | 2 | 4;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_PROTOINFO = 4;
const CTA_NAT_SRC = 6;
const CTA_TIMEOUT = 7;
const CTA_MARK = 8;
const CTA_ID = 12;
const CTA_NAT_DST = 13;
const CTA_ZONE = 18;
const CTA_LABELS = 22;

const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_TUPLE_ZONE = 3;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_PROTO_ICMP_ID = 4;
const CTA_PROTO_ICMPV6_ID = 7;

const CTA_PROTOINFO_TCP = 1;
const CTA_PROTOINFO_TCP_STATE = 1;
const CTA_PROTOINFO_TCP_WSCALE_ORIGINAL = 2;
const CTA_PROTOINFO_TCP_WSCALE_REPLY = 3;
const CTA_PROTOINFO_TCP_FLAGS_ORIGINAL = 4;
const CTA_PROTOINFO_TCP_FLAGS_REPLY = 5;

const CTA_NAT_V4_MINIP = 1;
const CTA_NAT_V4_MAXIP = 2;
const CTA_NAT_PROTO = 3;
const CTA_NAT_V6_MINIP = 4;
const CTA_NAT_V6_MAXIP = 5;
const CTA_PROTONAT_PORT_MIN = 1;
const CTA_PROTONAT_PORT_MAX = 2;

/** IPS_*: linux/netfilter/nf_conntrack_common.h */
export const IPS_SEEN_REPLY = 1 << 1;
export const IPS_ASSURED = 1 << 2;
export const IPS_CONFIRMED = 1 << 3;
/** The bits that one kernel can give to another. */
const statusGiven = IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED;

/** IP_CT_TCP_FLAG_*: linux/netfilter/nf_conntrack_tcp.h */
export const IP_CT_TCP_FLAG_BE_LIBERAL = 0x08;
/** WINDOW_SCALE, SACK_PERM, CLOSE_INIT; the others speak of packets that this kernel never saw. */
const tcpFlagsGiven = 0x01 | 0x02 | 0x04;
export const TCP_CONNTRACK_ESTABLISHED = 3;

/** An entry message is never longer: two IPv6 tuples (168), two NAT ranges (128), the rest (130). */
export const entryMessageBytesMax = 512;

export type EventKind = "new" | "update" | "destroy";

/** What an event or a dump's message says; null where it is neither. */
export function eventKind(type: number, flags: number): EventKind | null {
  if (type === ctDelete) return "destroy";
  if (type !== ctNew) return null;
  return (flags & (NLM_F_CREATE | NLM_F_EXCL)) === 0 ? "update" : "new";
}

/** Why a message cannot be a tracked connection. */
export type ParseFault = "truncated" | "family" | "no tuple";

const nfgenBytes = 4;
const typeMask = 0x3fff;

/**
 * Reads the entry whose family header starts at `start` and which ends at `end`; null when `flow`
 * holds it. Attributes that it has not are as `clear()` leaves them.
 */
export function parseEntry(
  view: DataView,
  start: number,
  end: number,
  flow: FlowRecord,
): ParseFault | null {
  flow.clear();
  if (start + nfgenBytes > end || end > view.byteLength) return "truncated";
  flow.family = view.getUint8(start);
  if (flow.family !== AF_INET && flow.family !== AF_INET6) return "family";
  let tuples = 0;
  let at = start + nfgenBytes;
  while (at + 4 <= end) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) return "truncated";
    const payload = at + 4;
    const payloadEnd = at + length;
    switch (view.getUint16(at + 2, true) & typeMask) {
      case CTA_TUPLE_ORIG:
        if (!parseTuple(view, payload, payloadEnd, flow, false)) return "truncated";
        tuples |= 1;
        break;
      case CTA_TUPLE_REPLY:
        if (!parseTuple(view, payload, payloadEnd, flow, true)) return "truncated";
        tuples |= 2;
        break;
      case CTA_STATUS:
        if (length < 8) return "truncated";
        flow.status = view.getUint32(payload);
        break;
      case CTA_TIMEOUT:
        if (length < 8) return "truncated";
        flow.timeoutS = view.getUint32(payload);
        break;
      case CTA_MARK:
        if (length < 8) return "truncated";
        flow.mark = view.getUint32(payload);
        flow.hasMark = true;
        break;
      case CTA_ID:
        if (length < 8) return "truncated";
        flow.id = view.getUint32(payload);
        break;
      case CTA_ZONE:
        if (length < 6) return "truncated";
        flow.zone = view.getUint16(payload);
        break;
      case CTA_LABELS:
        for (let i = 0; i < 16; i++) {
          flow.labels[i] = payload + i < payloadEnd ? view.getUint8(payload + i) : 0;
        }
        flow.hasLabels = true;
        break;
      case CTA_PROTOINFO:
        if (!parseProtocolState(view, payload, payloadEnd, flow)) return "truncated";
        break;
    }
    at += align4(length);
  }
  return tuples === 3 ? null : "no tuple";
}

function parseTuple(
  view: DataView,
  start: number,
  end: number,
  flow: FlowRecord,
  isReply: boolean,
): boolean {
  let has = 0;
  for (let at = start; at + 4 <= end;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) return false;
    const type = view.getUint16(at + 2, true) & typeMask;
    if (type === CTA_TUPLE_IP) {
      if (!parseAddresses(view, at + 4, at + length, flow, isReply)) return false;
      has |= 1;
    } else if (type === CTA_TUPLE_PROTO) {
      if (!parseProtocol(view, at + 4, at + length, flow, isReply)) return false;
      has |= 2;
    } else if (type === CTA_TUPLE_ZONE) {
      if (length < 6) return false;
      flow.zone = view.getUint16(at + 4);
      flow.zoneDirection = isReply ? zoneReply : zoneOriginal;
    }
    at += align4(length);
  }
  return has === 3;
}

function parseAddresses(
  view: DataView,
  start: number,
  end: number,
  flow: FlowRecord,
  isReply: boolean,
): boolean {
  const bytes = flow.family === AF_INET ? 4 : 16;
  const sourceType = flow.family === AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC;
  let has = 0;
  for (let at = start; at + 4 <= end;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) return false;
    const type = view.getUint16(at + 2, true) & typeMask;
    if (type === sourceType || type === sourceType + 1) {
      if (length !== 4 + bytes) return false;
      const isDestination = type !== sourceType;
      const to = (isReply ? replySource : originalSource) + (isDestination ? 16 : 0);
      for (let i = 0; i < bytes; i++) flow.addresses[to + i] = view.getUint8(at + 4 + i);
      has |= isDestination ? 2 : 1;
    }
    at += align4(length);
  }
  return has === 3;
}

function parseProtocol(
  view: DataView,
  start: number,
  end: number,
  flow: FlowRecord,
  isReply: boolean,
): boolean {
  let source = 0;
  let destination = 0;
  let hasNumber = false;
  for (let at = start; at + 4 <= end;) {
    const length = view.getUint16(at, true);
    if (length < 5 || at + length > end) return false;
    const payload = at + 4;
    switch (view.getUint16(at + 2, true) & typeMask) {
      case CTA_PROTO_NUM:
        flow.protocol = view.getUint8(payload);
        hasNumber = true;
        break;
      case CTA_PROTO_SRC_PORT:
      case CTA_PROTO_ICMP_ID:
      case CTA_PROTO_ICMPV6_ID:
        if (length < 6) return false;
        source = view.getUint16(payload);
        flow.hasPorts = true;
        break;
      case CTA_PROTO_DST_PORT:
        if (length < 6) return false;
        destination = view.getUint16(payload);
        break;
      case CTA_PROTO_ICMP_ID + 1: // CTA_PROTO_ICMP_TYPE
      case CTA_PROTO_ICMPV6_ID + 1:
        destination |= view.getUint8(payload) << 8;
        break;
      case CTA_PROTO_ICMP_ID + 2: // CTA_PROTO_ICMP_CODE
      case CTA_PROTO_ICMPV6_ID + 2:
        destination |= view.getUint8(payload);
        break;
    }
    at += align4(length);
  }
  if (isReply) {
    flow.replySourcePort = source;
    flow.replyDestinationPort = destination;
  } else {
    flow.sourcePort = source;
    flow.destinationPort = destination;
  }
  return hasNumber;
}

function parseProtocolState(
  view: DataView,
  start: number,
  end: number,
  flow: FlowRecord,
): boolean {
  if (start + 4 > end) return true;
  const nestEnd = start + view.getUint16(start, true);
  if (nestEnd < start + 4 || nestEnd > end) return false;
  if ((view.getUint16(start + 2, true) & typeMask) !== CTA_PROTOINFO_TCP) return true;
  for (let at = start + 4; at + 4 <= nestEnd;) {
    const length = view.getUint16(at, true);
    if (length < 5 || at + length > nestEnd) return false;
    const value = view.getUint8(at + 4);
    switch (view.getUint16(at + 2, true) & typeMask) {
      case CTA_PROTOINFO_TCP_STATE:
        flow.tcpState = value;
        flow.hasTcp = true;
        break;
      case CTA_PROTOINFO_TCP_WSCALE_ORIGINAL:
        flow.tcpScaleOriginal = value;
        break;
      case CTA_PROTOINFO_TCP_WSCALE_REPLY:
        flow.tcpScaleReply = value;
        break;
      case CTA_PROTOINFO_TCP_FLAGS_ORIGINAL: // struct nf_ct_tcp_flags: u8 flags, u8 mask
        flow.tcpFlagsOriginal = value;
        break;
      case CTA_PROTOINFO_TCP_FLAGS_REPLY:
        flow.tcpFlagsReply = value;
        break;
    }
    at += align4(length);
  }
  return true;
}

// ---- writing

/** struct nfgenmsg: family, version 0, resource 0. */
const genericHeaders: Readonly<Record<number, readonly number[]>> = {
  0: [0, 0, 0, 0],
  [AF_INET]: [AF_INET, 0, 0, 0],
  [AF_INET6]: [AF_INET6, 0, 0, 0],
};

/** Asks for all entries of both families. */
export function writeDumpRequest(writer: MessageWriter, sequence: number): void {
  writer.begin(ctGet, NLM_F_REQUEST | NLM_F_DUMP, sequence, genericHeaders[0]);
  writer.end();
}

/** How an entry is put into the kernel. */
export interface PutOptions {
  /** An entry that is there already is EEXIST instead of being changed. */
  readonly exclusive?: boolean;
  /** Whether its address translation is said; the kernel refuses that where the entry exists. */
  readonly nat?: boolean;
  /** Whether its status is said; the kernel refuses to clear bits (EBUSY). */
  readonly status?: boolean;
  readonly ack?: boolean;
}

/**
 * Writes a message that creates the entry, or changes it where it exists. The reply direction
 * is written without translation; `nat` says the translation beside it.
 */
export function writePut(
  writer: MessageWriter,
  sequence: number,
  flow: FlowRecord,
  options: PutOptions,
): void {
  const flags = NLM_F_REQUEST | NLM_F_CREATE | (options.exclusive ? NLM_F_EXCL : 0) |
    (options.ack ? NLM_F_ACK : 0);
  writer.begin(ctNew, flags, sequence, genericHeaders[flow.family]);
  writeOriginalTuple(writer, flow);
  writePlainReplyTuple(writer, flow);
  if (options.nat) {
    if (flow.hasDestinationNat) {
      writeNat(writer, CTA_NAT_DST, flow, replySource, flow.replySourcePort);
    }
    if (flow.hasSourceNat) {
      writeNat(writer, CTA_NAT_SRC, flow, replyDestination, flow.translatedSourcePort);
    }
  }
  writeState(writer, flow, options.status ?? true);
  // A connection whose state was never heard of: the kernel would refuse its next packet as
  // invalid. One that is assured has passed its handshake.
  if (!flow.hasTcp && flow.protocol === IPPROTO_TCP && (flow.status & IPS_ASSURED) !== 0) {
    writeTcp(writer, TCP_CONNTRACK_ESTABLISHED, 0, 0, 0, 0);
  }
  writer.end();
}

/** Writes a message that changes an entry; ENOENT where there is none. */
export function writeChange(
  writer: MessageWriter,
  sequence: number,
  flow: FlowRecord,
  options: Pick<PutOptions, "status" | "ack">,
): void {
  const flags = NLM_F_REQUEST | NLM_F_REPLACE | (options.ack ? NLM_F_ACK : 0);
  writer.begin(ctNew, flags, sequence, genericHeaders[flow.family]);
  writeOriginalTuple(writer, flow);
  writeState(writer, flow, options.status ?? true);
  writer.end();
}

/** Writes a message that sets nothing but an entry's timeout. */
export function writeTimeout(
  writer: MessageWriter,
  sequence: number,
  flow: FlowRecord,
  ack = false,
): void {
  const flags = NLM_F_REQUEST | NLM_F_REPLACE | (ack ? NLM_F_ACK : 0);
  writer.begin(ctNew, flags, sequence, genericHeaders[flow.family]);
  writeOriginalTuple(writer, flow);
  writer.u32be(CTA_TIMEOUT, flow.timeoutS);
  writer.end();
}

/** Writes a message that deletes an entry; ENOENT where there is none. */
export function writeDelete(
  writer: MessageWriter,
  sequence: number,
  flow: FlowRecord,
  ack = false,
): void {
  const flags = NLM_F_REQUEST | (ack ? NLM_F_ACK : 0);
  writer.begin(ctDelete, flags, sequence, genericHeaders[flow.family]);
  writeOriginalTuple(writer, flow);
  writer.end();
}

function writeOriginalTuple(writer: MessageWriter, flow: FlowRecord): void {
  writeTuple(
    writer,
    CTA_TUPLE_ORIG,
    flow,
    flow.address(originalSource),
    flow.address(originalDestination),
    flow.sourcePort,
    flow.destinationPort,
    flow.zoneDirection === zoneOriginal,
  );
  if (flow.zone !== 0 && flow.zoneDirection === zoneBoth) writer.u16be(CTA_ZONE, flow.zone);
}

/** The reply tuple as it is without translation, whatever the record's reply direction says. */
function writePlainReplyTuple(writer: MessageWriter, flow: FlowRecord): void {
  writeTuple(
    writer,
    CTA_TUPLE_REPLY,
    flow,
    flow.address(originalDestination),
    flow.address(originalSource),
    plainReplySourcePort(flow),
    plainReplyDestinationPort(flow),
    flow.zoneDirection === zoneReply,
  );
}

function writeTuple(
  writer: MessageWriter,
  type: number,
  flow: FlowRecord,
  source: Uint8Array,
  destination: Uint8Array,
  sourcePort: number,
  destinationPort: number,
  withZone: boolean,
): void {
  const tuple = writer.openNested(type);
  const addresses = writer.openNested(CTA_TUPLE_IP);
  writer.raw(flow.family === AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, source);
  writer.raw(flow.family === AF_INET ? CTA_IP_V4_DST : CTA_IP_V6_DST, destination);
  writer.closeNested(addresses);
  const protocol = writer.openNested(CTA_TUPLE_PROTO);
  writer.u8(CTA_PROTO_NUM, flow.protocol);
  if (flow.hasPorts && isEcho(flow)) {
    const first = flow.protocol === IPPROTO_ICMP ? CTA_PROTO_ICMP_ID : CTA_PROTO_ICMPV6_ID;
    writer.u16be(first, sourcePort);
    writer.u8(first + 1, destinationPort >> 8);
    writer.u8(first + 2, destinationPort & 0xff);
  } else if (flow.hasPorts) {
    writer.u16be(CTA_PROTO_SRC_PORT, sourcePort);
    writer.u16be(CTA_PROTO_DST_PORT, destinationPort);
  }
  writer.closeNested(protocol);
  if (withZone && flow.zone !== 0) writer.u16be(CTA_TUPLE_ZONE, flow.zone);
  writer.closeNested(tuple);
}

function writeNat(
  writer: MessageWriter,
  type: number,
  flow: FlowRecord,
  addressAt: number,
  port: number,
): void {
  const isShort = flow.family === AF_INET;
  const nat = writer.openNested(type);
  writer.raw(isShort ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP, flow.address(addressAt));
  writer.raw(isShort ? CTA_NAT_V4_MAXIP : CTA_NAT_V6_MAXIP, flow.address(addressAt));
  // An echo has no destination port to translate: only its identifier.
  if (flow.hasPorts && !(isEcho(flow) && type === CTA_NAT_DST)) {
    const ports = writer.openNested(CTA_NAT_PROTO);
    writer.u16be(CTA_PROTONAT_PORT_MIN, port);
    writer.u16be(CTA_PROTONAT_PORT_MAX, port);
    writer.closeNested(ports);
  }
  writer.closeNested(nat);
}

function writeState(writer: MessageWriter, flow: FlowRecord, withStatus: boolean): void {
  if (withStatus) writer.u32be(CTA_STATUS, flow.status & statusGiven);
  writer.u32be(CTA_TIMEOUT, flow.timeoutS);
  if (flow.hasMark) writer.u32be(CTA_MARK, flow.mark);
  if (flow.hasTcp) {
    writeTcp(
      writer,
      flow.tcpState,
      flow.tcpFlagsOriginal,
      flow.tcpFlagsReply,
      flow.tcpScaleOriginal,
      flow.tcpScaleReply,
    );
  }
  if (flow.hasLabels) writer.raw(CTA_LABELS, flow.labels);
}

function writeTcp(
  writer: MessageWriter,
  state: number,
  flagsOriginal: number,
  flagsReply: number,
  scaleOriginal: number,
  scaleReply: number,
): void {
  const protocolInfo = writer.openNested(CTA_PROTOINFO);
  const tcp = writer.openNested(CTA_PROTOINFO_TCP);
  writer.u8(CTA_PROTOINFO_TCP_STATE, state);
  writer.u8(CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, scaleOriginal);
  writer.u8(CTA_PROTOINFO_TCP_WSCALE_REPLY, scaleReply);
  writer.u16(CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, flagsAndMask(flagsOriginal));
  writer.u16(CTA_PROTOINFO_TCP_FLAGS_REPLY, flagsAndMask(flagsReply));
  writer.closeNested(tcp);
  writer.closeNested(protocolInfo);
}

/** struct nf_ct_tcp_flags as a little-endian word: flags, then the mask of those that are set. */
function flagsAndMask(flags: number): number {
  const mask = tcpFlagsGiven | IP_CT_TCP_FLAG_BE_LIBERAL;
  return flags & tcpFlagsGiven | IP_CT_TCP_FLAG_BE_LIBERAL | mask << 8;
}
