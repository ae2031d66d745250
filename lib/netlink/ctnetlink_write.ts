/**
 * Connection tracking over netlink: records into the messages that create, change and delete entries.
 *
 * What the kernel takes (net/netfilter/nf_conntrack_netlink.c), and what follows from it here:
 * - Of the status only CONFIRMED, ASSURED and SEEN_REPLY can be given; clearing one is EBUSY.
 * - Address translation is given on create only (EOPNOTSUPP on a change), as CTA_NAT_SRC/DST beside
 *   a reply tuple without translation.
 * - A TCP window that another node tracked is unknown here, so that every entry that is written says
 *   BE_LIBERAL for both directions.
 */
import {
  CTA_IP_V4_DST,
  CTA_IP_V4_SRC,
  CTA_IP_V6_DST,
  CTA_IP_V6_SRC,
  CTA_LABELS,
  CTA_MARK,
  CTA_NAT_DST,
  CTA_NAT_PROTO,
  CTA_NAT_SRC,
  CTA_NAT_V4_MAXIP,
  CTA_NAT_V4_MINIP,
  CTA_NAT_V6_MAXIP,
  CTA_NAT_V6_MINIP,
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
  CTA_PROTONAT_PORT_MAX,
  CTA_PROTONAT_PORT_MIN,
  CTA_STATUS,
  CTA_TIMEOUT,
  CTA_TUPLE_IP,
  CTA_TUPLE_ORIG,
  CTA_TUPLE_PROTO,
  CTA_TUPLE_REPLY,
  CTA_TUPLE_ZONE,
  CTA_ZONE,
  ctDelete,
  ctGet,
  ctNew,
  IP_CT_TCP_FLAG_BE_LIBERAL,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_SEEN_REPLY,
  TCP_CONNTRACK_ESTABLISHED,
} from "./ctnetlink_numbers.ts";
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
  type MessageWriter,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
} from "./message.ts";

/** The bits that one kernel can give to another. */
const statusGiven = IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED;
/** WINDOW_SCALE, SACK_PERM, CLOSE_INIT; the others speak of packets that this kernel never saw. */
const tcpFlagsGiven = 0x01 | 0x02 | 0x04;

/** An entry message is never longer: two IPv6 tuples (168), two NAT ranges (128), the rest (130). */
export const entryMessageBytesMax = 512;

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
