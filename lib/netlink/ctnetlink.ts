/**
 * Connection tracking over netlink: events and dumps into records. The way back is in
 * `ctnetlink_write.ts`. Nothing is allocated for a message.
 */
import {
  CTA_ID,
  CTA_IP_V4_SRC,
  CTA_IP_V6_SRC,
  CTA_LABELS,
  CTA_MARK,
  CTA_PROTO_DST_PORT,
  CTA_PROTO_ICMP_ID,
  CTA_PROTO_ICMPV6_ID,
  CTA_PROTO_NUM,
  CTA_PROTO_SRC_PORT,
  CTA_PROTOINFO,
  CTA_PROTOINFO_TCP,
  CTA_PROTOINFO_TCP_FLAGS_ORIGINAL,
  CTA_PROTOINFO_TCP_FLAGS_REPLY,
  CTA_PROTOINFO_TCP_STATE,
  CTA_PROTOINFO_TCP_WSCALE_ORIGINAL,
  CTA_PROTOINFO_TCP_WSCALE_REPLY,
  CTA_STATUS,
  CTA_TIMEOUT,
  CTA_TUPLE_IP,
  CTA_TUPLE_ORIG,
  CTA_TUPLE_PROTO,
  CTA_TUPLE_REPLY,
  CTA_TUPLE_ZONE,
  CTA_ZONE,
  ctDelete,
  ctNew,
} from "./ctnetlink_numbers.ts";
import { AF_INET, AF_INET6 } from "./family.ts";
import {
  type FlowRecord,
  originalSource,
  replySource,
  zoneOriginal,
  zoneReply,
} from "./flow_record.ts";
import { align4, NLM_F_CREATE, NLM_F_EXCL } from "./message.ts";

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
