/**
 * One tracked connection, flat and reusable: decoding an event or a message into a record, and
 * writing a record out, allocates nothing.
 *
 * ICMP and ICMPv6 have an identifier, a type and a code instead of ports. They are kept as the
 * kernel's own tuple keeps them (struct nf_conntrack_tuple): the source port is the identifier, the
 * destination port is `type << 8 | code`. Protocols without either have `hasPorts` false.
 */
import { AF_INET } from "./family.ts";

/** Where the four addresses of a record lie in `addresses`. */
export const originalSource = 0;
export const originalDestination = 16;
export const replySource = 32;
export const replyDestination = 48;

/** A zone may hold for one direction of a flow only. */
export const zoneBoth = 0;
export const zoneOriginal = 1;
export const zoneReply = 2;

export class FlowRecord {
  /** AF_INET or AF_INET6. */
  family = AF_INET;
  /** IP protocol number. */
  protocol = 0;
  /** Four slots of 16 bytes; an IPv4 address fills the first 4 of its slot. */
  readonly addresses = new Uint8Array(64);
  hasPorts = false;
  sourcePort = 0;
  destinationPort = 0;
  replySourcePort = 0;
  replyDestinationPort = 0;
  /** IPS_* bits. */
  status = 0;
  timeoutS = 0;
  hasMark = false;
  mark = 0;
  zone = 0;
  zoneDirection = zoneBoth;
  /** The kernel's identifier of the entry; good on this machine only. */
  id = 0;
  /** Whether the five TCP fields are known; events leave them out where they did not change. */
  hasTcp = false;
  /** TCP_CONNTRACK_*: 3 is ESTABLISHED. */
  tcpState = 0;
  /** IP_CT_TCP_FLAG_* of each direction. */
  tcpFlagsOriginal = 0;
  tcpFlagsReply = 0;
  tcpScaleOriginal = 0;
  tcpScaleReply = 0;
  hasLabels = false;
  readonly labels = new Uint8Array(16);

  /** The four addresses by their length, so that writing them needs no new view. */
  readonly #short = [0, 16, 32, 48].map((at) => this.addresses.subarray(at, at + 4));
  readonly #long = [0, 16, 32, 48].map((at) => this.addresses.subarray(at, at + 16));

  get addressBytes(): number {
    return this.family === AF_INET ? 4 : 16;
  }

  /** The address at `originalSource`, …: a view that changes with the record. */
  address(at: number): Uint8Array {
    return (this.family === AF_INET ? this.#short : this.#long)[at >> 4];
  }

  /** Forgets everything that an event may leave out. */
  clear(): void {
    this.protocol = 0;
    this.addresses.fill(0);
    this.hasPorts =
      this.hasMark =
      this.hasTcp =
      this.hasLabels =
        false;
    this.sourcePort = this.destinationPort = 0;
    this.replySourcePort = this.replyDestinationPort = 0;
    this.status =
      this.timeoutS =
      this.mark =
      this.zone =
      this.id =
        0;
    this.zoneDirection = zoneBoth;
    this.tcpState = this.tcpFlagsOriginal = this.tcpFlagsReply = 0;
    this.tcpScaleOriginal = this.tcpScaleReply = 0;
  }

  copyFrom(other: FlowRecord): void {
    this.family = other.family;
    this.protocol = other.protocol;
    this.addresses.set(other.addresses);
    this.hasPorts = other.hasPorts;
    this.sourcePort = other.sourcePort;
    this.destinationPort = other.destinationPort;
    this.replySourcePort = other.replySourcePort;
    this.replyDestinationPort = other.replyDestinationPort;
    this.status = other.status;
    this.timeoutS = other.timeoutS;
    this.hasMark = other.hasMark;
    this.mark = other.mark;
    this.zone = other.zone;
    this.zoneDirection = other.zoneDirection;
    this.id = other.id;
    this.hasTcp = other.hasTcp;
    this.tcpState = other.tcpState;
    this.tcpFlagsOriginal = other.tcpFlagsOriginal;
    this.tcpFlagsReply = other.tcpFlagsReply;
    this.tcpScaleOriginal = other.tcpScaleOriginal;
    this.tcpScaleReply = other.tcpScaleReply;
    this.hasLabels = other.hasLabels;
    this.labels.set(other.labels);
  }

  /** Whether replies come to another source than the flow had: its source is translated. */
  get hasSourceNat(): boolean {
    return !this.#same(originalSource, replyDestination) ||
      this.hasPorts && this.sourcePort !== this.translatedSourcePort;
  }

  /** Whether replies come from elsewhere than the flow was sent to. */
  get hasDestinationNat(): boolean {
    return !this.#same(originalDestination, replySource) ||
      this.hasPorts && !isEcho(this) && this.destinationPort !== this.replySourcePort;
  }

  /** The source port behind source translation: where replies go; for ICMP, their identifier. */
  get translatedSourcePort(): number {
    return isEcho(this) ? this.replySourcePort : this.replyDestinationPort;
  }

  #same(a: number, b: number): boolean {
    const { addresses } = this;
    for (let i = this.addressBytes - 1; i >= 0; i--) {
      if (addresses[a + i] !== addresses[b + i]) return false;
    }
    return true;
  }
}

export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;

/** Whether the ports of a flow are an ICMP identifier and type. */
export function isEcho(flow: FlowRecord): boolean {
  return flow.protocol === IPPROTO_ICMP || flow.protocol === IPPROTO_ICMPV6;
}

/** The reply's source port where nothing is translated (nf_ct_invert_tuple). */
export function plainReplySourcePort(flow: FlowRecord): number {
  return isEcho(flow) ? flow.sourcePort : flow.destinationPort;
}

/**
 * The reply's destination port where nothing is translated. The answer to an ICMP query has the type
 * that nf_conntrack_proto_icmp.c pairs with it.
 */
export function plainReplyDestinationPort(flow: FlowRecord): number {
  if (!isEcho(flow)) return flow.sourcePort;
  const type = flow.destinationPort >> 8;
  return (icmpAnswers[type] ?? type) << 8 | flow.destinationPort & 0xff;
}

/** Sets the reply direction to what it is where nothing is translated. */
export function setPlainReply(flow: FlowRecord): void {
  const { addresses } = flow;
  addresses.copyWithin(replySource, originalDestination, originalDestination + 16);
  addresses.copyWithin(replyDestination, originalSource, originalSource + 16);
  flow.replySourcePort = plainReplySourcePort(flow);
  flow.replyDestinationPort = plainReplyDestinationPort(flow);
}

/** Query type to answer type and back: ICMP below 128, ICMPv6 from there. */
const icmpAnswers: Readonly<Record<number, number>> = {
  8: 0,
  0: 8,
  13: 14,
  14: 13,
  15: 16,
  16: 15,
  17: 18,
  18: 17,
  128: 129,
  129: 128,
  139: 140,
  140: 139,
};
