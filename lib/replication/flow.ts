/**
 * A flow on the wire between nodes (docs/protocol_streams.md, "Flow"). All numbers are in network
 * order. A record is flags, then the sections that the flags announce, in this order:
 *
 *   u8 flags, u8 protocol, u8 bucket, u8 more flags, u16 status, u32 timeout (s)
 *   original source and destination address, 4 or 16 bytes each
 *   ports      u16 source, u16 destination (ICMP: identifier, type << 8 | code)
 *   source NAT       address, and with ports u16 port or identifier
 *   destination NAT  address, and with ports u16 port
 *   TCP        u8 state, u8 flags of each direction, u8 window scale of each direction
 *   mark       u32
 *   zone       u16 zone, u8 direction
 *   labels     16 bytes
 *
 * Sections are only ever appended: a reader takes those it knows and leaves the rest of the message.
 */
import { AF_INET, AF_INET6 } from "../netlink/family.ts";
import {
  type FlowRecord,
  isEcho,
  originalDestination,
  originalSource,
  replyDestination,
  replySource,
  setPlainReply,
  zoneReply,
} from "../netlink/flow_record.ts";

/** Longest record that this version writes: 10 + 32 + 4 + 18 + 18 + 5 + 4 + 3 + 16. */
export const flowBytesMax = 110;

const isIpv6 = 1;
const hasPorts = 2;
const hasSourceNat = 4;
const hasDestinationNat = 8;
const hasTcp = 16;
const hasMark = 32;
const hasZone = 64;
const hasLabels = 128;

const headBytes = 10;

/** Where a record says its bucket, from its start. */
export const bucketOffset = 2;

/**
 * Writes the record of `flow` at `start` of `bytes`; where it ends. `identityOnly` leaves out all but
 * what names the flow, for its end.
 */
export function encodeFlow(
  flow: FlowRecord,
  bucket: number,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  identityOnly = false,
): number {
  const addressBytes = flow.addressBytes;
  let flags = (flow.family === AF_INET6 ? isIpv6 : 0) | (flow.hasPorts ? hasPorts : 0) |
    (flow.zone !== 0 ? hasZone : 0);
  if (!identityOnly) {
    flags |= (flow.hasSourceNat ? hasSourceNat : 0) |
      (flow.hasDestinationNat ? hasDestinationNat : 0) | (flow.hasTcp ? hasTcp : 0) |
      (flow.hasMark ? hasMark : 0) | (flow.hasLabels ? hasLabels : 0);
  }
  bytes[start] = flags;
  bytes[start + 1] = flow.protocol;
  bytes[start + bucketOffset] = bucket;
  bytes[start + 3] = 0;
  view.setUint16(start + 4, flow.status);
  view.setUint32(start + 6, flow.timeoutS);
  let at = start + headBytes;
  at = copy(flow.addresses, originalSource, bytes, at, addressBytes);
  at = copy(flow.addresses, originalDestination, bytes, at, addressBytes);
  if (flow.hasPorts) {
    view.setUint16(at, flow.sourcePort);
    view.setUint16(at + 2, flow.destinationPort);
    at += 4;
  }
  if ((flags & hasSourceNat) !== 0) {
    at = copy(flow.addresses, replyDestination, bytes, at, addressBytes);
    if (flow.hasPorts) {
      view.setUint16(at, flow.translatedSourcePort);
      at += 2;
    }
  }
  if ((flags & hasDestinationNat) !== 0) {
    at = copy(flow.addresses, replySource, bytes, at, addressBytes);
    if (flow.hasPorts) {
      view.setUint16(at, flow.replySourcePort);
      at += 2;
    }
  }
  if ((flags & hasTcp) !== 0) {
    bytes[at] = flow.tcpState;
    bytes[at + 1] = flow.tcpFlagsOriginal;
    bytes[at + 2] = flow.tcpFlagsReply;
    bytes[at + 3] = flow.tcpScaleOriginal;
    bytes[at + 4] = flow.tcpScaleReply;
    at += 5;
  }
  if ((flags & hasMark) !== 0) {
    view.setUint32(at, flow.mark);
    at += 4;
  }
  if ((flags & hasZone) !== 0) {
    view.setUint16(at, flow.zone);
    bytes[at + 2] = flow.zoneDirection;
    at += 3;
  }
  if ((flags & hasLabels) !== 0) at = copy(flow.labels, 0, bytes, at, 16);
  return at;
}

/** Reads the record in `bytes[start .. end)` into `flow`; false where it is shorter than its flags say. */
export function decodeFlow(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  flow: FlowRecord,
): boolean {
  flow.clear();
  if (start + headBytes > end) return false;
  const flags = bytes[start];
  if (start + lengthOf(flags) > end) return false;
  flow.family = (flags & isIpv6) !== 0 ? AF_INET6 : AF_INET;
  flow.protocol = bytes[start + 1];
  flow.status = view.getUint16(start + 4);
  flow.timeoutS = view.getUint32(start + 6);
  flow.hasPorts = (flags & hasPorts) !== 0;
  const addressBytes = flow.addressBytes;
  let at = start + headBytes;
  copy(bytes, at, flow.addresses, originalSource, addressBytes);
  copy(bytes, at + addressBytes, flow.addresses, originalDestination, addressBytes);
  at += 2 * addressBytes;
  if (flow.hasPorts) {
    flow.sourcePort = view.getUint16(at);
    flow.destinationPort = view.getUint16(at + 2);
    at += 4;
  }
  setPlainReply(flow);
  if ((flags & hasSourceNat) !== 0) {
    copy(bytes, at, flow.addresses, replyDestination, addressBytes);
    at += addressBytes;
    if (flow.hasPorts) {
      if (isEcho(flow)) flow.replySourcePort = view.getUint16(at);
      else flow.replyDestinationPort = view.getUint16(at);
      at += 2;
    }
  }
  if ((flags & hasDestinationNat) !== 0) {
    copy(bytes, at, flow.addresses, replySource, addressBytes);
    at += addressBytes;
    if (flow.hasPorts) {
      flow.replySourcePort = view.getUint16(at);
      at += 2;
    }
  }
  if ((flags & hasTcp) !== 0) {
    flow.hasTcp = true;
    flow.tcpState = bytes[at];
    flow.tcpFlagsOriginal = bytes[at + 1];
    flow.tcpFlagsReply = bytes[at + 2];
    flow.tcpScaleOriginal = bytes[at + 3];
    flow.tcpScaleReply = bytes[at + 4];
    at += 5;
  }
  if ((flags & hasMark) !== 0) {
    flow.hasMark = true;
    flow.mark = view.getUint32(at);
    at += 4;
  }
  if ((flags & hasZone) !== 0) {
    flow.zone = view.getUint16(at);
    flow.zoneDirection = bytes[at + 2];
    if (flow.zone === 0 || flow.zoneDirection > zoneReply) return false;
    at += 3;
  }
  if ((flags & hasLabels) !== 0) {
    flow.hasLabels = true;
    copy(bytes, at, flow.labels, 0, 16);
  }
  return true;
}

/** How long a record with these flags is at least. */
function lengthOf(flags: number): number {
  const address = (flags & isIpv6) !== 0 ? 16 : 4;
  const port = (flags & hasPorts) !== 0 ? 2 : 0;
  return headBytes + 2 * (address + port) +
    ((flags & hasSourceNat) !== 0 ? address + port : 0) +
    ((flags & hasDestinationNat) !== 0 ? address + port : 0) +
    ((flags & hasTcp) !== 0 ? 5 : 0) + ((flags & hasMark) !== 0 ? 4 : 0) +
    ((flags & hasZone) !== 0 ? 3 : 0) + ((flags & hasLabels) !== 0 ? 16 : 0);
}

function copy(
  from: Uint8Array,
  fromAt: number,
  to: Uint8Array,
  toAt: number,
  length: number,
): number {
  for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i];
  return toAt + length;
}
