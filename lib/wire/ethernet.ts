/** Ethernet frames with ARP (RFC 826) and ICMPv6 (RFC 4443), and the checksum of both families' headers. */

export const etherTypes = { arp: 0x0806, ip4: 0x0800, ip6: 0x86dd } as const;

const headerBytes = 14;
/** Without its checksum, which the interface adds. */
const frameBytesMin = 60;

/** A frame with room for so many bytes behind its header. */
export function ethernetFrame(
  { to, from, etherType }: {
    readonly to: Iterable<number>;
    readonly from: Uint8Array;
    readonly etherType: number;
  },
  payloadBytes: number,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(Math.max(frameBytesMin, headerBytes + payloadBytes));
  frame.set([...to], 0);
  frame.set(from, 6);
  frame.set([etherType >> 8, etherType & 0xff], 12);
  return frame;
}

/**
 * @param from The MAC of the interface that sends it.
 * @param mac What the request says of its sender; all others learn that.
 * @param sender The sender's address; zeros: it has none (yet).
 */
export function arpRequest(
  { from, mac, sender, target }: {
    readonly from: Uint8Array;
    readonly mac: Uint8Array;
    readonly sender: Uint8Array;
    readonly target: Uint8Array;
  },
): Uint8Array<ArrayBuffer> {
  const to = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const frame = ethernetFrame({ to, from, etherType: etherTypes.arp }, 28);
  frame.set([0, 1, 0x08, 0, 6, 4, 0, 1], 14);
  frame.set(mac, 22);
  frame.set(sender, 28);
  frame.set(target, 38);
  return frame;
}

/**
 * A message to a group, its checksum (bytes 2 and 3) filled in.
 *
 * @param options A hop-by-hop header before it, or nothing.
 */
export function icmp6Frame(
  { from, source, group, hopLimit, options = [] }: {
    readonly from: Uint8Array;
    readonly source: Uint8Array;
    readonly group: readonly number[];
    readonly hopLimit: number;
    readonly options?: readonly number[];
  },
  message: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const payloadBytes = options.length + message.length;
  const to = [0x33, 0x33, ...group.slice(12)]; // RFC 2464, 7
  const frame = ethernetFrame({ to, from, etherType: etherTypes.ip6 }, 40 + payloadBytes);
  const view = new DataView(frame.buffer);
  view.setUint32(14, 0x60000000);
  view.setUint16(18, payloadBytes);
  frame.set([options.length === 0 ? icmp6 : hopByHop, hopLimit], 20);
  frame.set(source, 22);
  frame.set(group, 38);
  frame.set(options, 54);
  const at = 54 + options.length;
  frame.set(message, at);
  // RFC 8200, 8.1: addresses, length and next header count, too.
  const addresses = ~internetChecksum(view, 22, 32) & 0xffff;
  const sum = internetChecksum(view, at, message.length, addresses + message.length + icmp6);
  view.setUint16(at + 2, sum);
  return frame;
}

const icmp6 = 58;
const hopByHop = 0;

/**
 * RFC 1071, over `length` bytes, an even number; the checksum's own field among them is 0.
 *
 * @param carried What counts besides: the rest of a pseudo header, as a sum of 16-bit words.
 */
export function internetChecksum(
  view: DataView,
  start: number,
  length: number,
  carried = 0,
): number {
  let sum = carried;
  for (let at = start; at < start + length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
