/**
 * The ends of the packet in an Ethernet frame, as the datapath sees them.
 *
 * The parsing half of kmod/bucket.h. An ICMP error is read as the packet that it quotes, with its
 * ends swapped: as if that packet's answer had been received.
 */

/** Why a frame has no ends; the names are those of `enum avail_verdict` without AVAIL_. */
export type NoPacket = "malformed" | "ndp" | "arp" | "other";

export interface Packet {
  readonly family: 4 | 6;
  /** Offsets of the addresses in the frame. */
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly fragment: "no" | "first" | "later";
  /** Whether the packet was quoted by an ICMP error. */
  readonly quoted: boolean;
  /** null: it has none, or they are cut off. */
  readonly ports: { readonly source: number; readonly destination: number } | null;
  /** Identifier of an ICMP echo. */
  readonly echo: number | null;
}

interface Header {
  family: 4 | 6;
  source: number;
  destination: number;
  protocol: number;
  fragment: "no" | "first" | "later";
  /** Offset of what follows all headers of IP; null: cut off. */
  payload: number | null;
}

const vlanTypes: readonly number[] = [0x8100, 0x88a8];
/** TCP, UDP, DCCP, SCTP, UDP-Lite. */
const portProtocols: readonly number[] = [6, 17, 33, 132, 136];
const icmpErrors: readonly number[] = [3, 4, 5, 11, 12];
/** Hop-by-hop, routing, fragment, authentication, destination options, mobility. */
const extensions: readonly number[] = [0, 43, 44, 51, 60, 135];
const extensionsMax = 6;

/** Reads a frame with at most two VLAN tags. */
export function parseFrame(frame: Uint8Array): Packet | NoPacket {
  let at = 14;
  if (frame.length < at) return "malformed";
  let type = read16(frame, 12);
  for (let tags = 0; tags < 2 && vlanTypes.includes(type); tags++) {
    if (frame.length < at + 4) return "malformed";
    type = read16(frame, at + 2);
    at += 4;
  }
  if (type === 0x0806) return "arp";
  if (type === 0x0800) return parsePacket(frame, readIpv4(frame, at));
  if (type === 0x86dd) return parsePacket(frame, readIpv6(frame, at));
  return "other";
}

function parsePacket(frame: Uint8Array, header: Header | null): Packet | NoPacket {
  if (!header || header.payload === null) return "malformed";
  const { family, protocol, payload } = header;
  if (header.fragment !== "no") return { ...header, quoted: false, ports: null, echo: null };
  if (protocol !== (family === 4 ? 1 : 58)) return withPorts(frame, header, false);
  if (frame.length < payload + 8) return "malformed";
  const type = frame[payload];
  if (family === 6 && type >= 133 && type <= 137) return "ndp";
  const isError = family === 4 ? icmpErrors.includes(type) : type >= 1 && type <= 4;
  if (!isError) return withPorts(frame, header, false);
  const quoted = (family === 4 ? readIpv4 : readIpv6)(frame, payload + 8);
  return quoted ? swapEnds(withPorts(frame, quoted, true)) : "malformed";
}

function withPorts(frame: Uint8Array, header: Header, quoted: boolean): Packet {
  const { family, protocol, payload } = header;
  const packet = { ...header, quoted, ports: null, echo: null };
  // Only NAT asks for a quoted fragment's ports, and NAT is for IPv4.
  const readable = header.fragment === "no" || (family === 4 && header.fragment === "first");
  if (payload === null || !readable) return packet;
  if (portProtocols.includes(protocol) && frame.length >= payload + 4) {
    const ports = { source: read16(frame, payload), destination: read16(frame, payload + 2) };
    return { ...packet, ports };
  }
  const isIcmp = protocol === (family === 4 ? 1 : 58) && frame.length >= payload + 8;
  if (isIcmp && (family === 4 ? [0, 8] : [128, 129]).includes(frame[payload])) {
    return { ...packet, echo: read16(frame, payload + 4) };
  }
  return packet;
}

function swapEnds(packet: Packet): Packet {
  const { source, destination, ports } = packet;
  return {
    ...packet,
    source: destination,
    destination: source,
    ports: ports && { source: ports.destination, destination: ports.source },
  };
}

function readIpv4(frame: Uint8Array, at: number): Header | null {
  if (frame.length < at + 20) return null;
  const length = (frame[at] & 15) * 4;
  if (frame[at] >> 4 !== 4 || length < 20) return null;
  const fragment = read16(frame, at + 6);
  return {
    family: 4,
    source: at + 12,
    destination: at + 16,
    protocol: frame[at + 9],
    fragment: fragment & 0x1fff ? "later" : fragment & 0x2000 ? "first" : "no",
    payload: frame.length < at + length ? null : at + length,
  };
}

function readIpv6(frame: Uint8Array, at: number): Header | null {
  if (frame.length < at + 40 || frame[at] >> 4 !== 6) return null;
  const header: Header = {
    family: 6,
    source: at + 8,
    destination: at + 24,
    protocol: frame[at + 6],
    fragment: "no",
    payload: null,
  };
  let next = at + 40;
  for (let walked = 0; extensions.includes(header.protocol); walked++) {
    if (walked === extensionsMax || frame.length < next + 8) return header;
    const kind = header.protocol;
    if (kind === 44 && (read16(frame, next + 2) & 0xfff9) !== 0) {
      header.fragment = read16(frame, next + 2) & 0xfff8 ? "later" : "first";
      header.protocol = frame[next];
      break;
    }
    header.protocol = frame[next];
    next += kind === 44 ? 8 : kind === 51 ? (frame[next + 1] + 2) * 4 : (frame[next + 1] + 1) * 8;
    if (frame.length < next) return header;
  }
  header.payload = next;
  return header;
}

function read16(bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1];
}
