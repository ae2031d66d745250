/**
 * Asking whether somebody already answers for a shared address: ARP (RFC 826) and neighbour
 * solicitation (RFC 4861, 4.3), and recognising the answers (ARP replies and advertisements).
 */

/** One question; the sender's own address may be missing (zeros), as in RFC 5227 probes. */
export function probeFrame(
  target: Uint8Array,
  mac: Uint8Array,
  sender: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return target.length === 4 ? arpRequest(target, mac, sender) : solicitation(target, mac, sender);
}

function arpRequest(
  target: Uint8Array,
  mac: Uint8Array,
  sender: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(60);
  frame.fill(0xff, 0, 6);
  frame.set(mac, 6);
  frame.set([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1], 12);
  frame.set(mac, 22);
  frame.set(sender, 28);
  frame.set(target, 38);
  return frame;
}

function solicitation(
  target: Uint8Array,
  mac: Uint8Array,
  sender: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const hasSender = sender.some((byte) => byte !== 0); // from :: the option must not be there
  const icmpBytes = hasSender ? 32 : 24;
  const frame = new Uint8Array(54 + icmpBytes);
  const view = new DataView(frame.buffer);
  const group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...target.subarray(13)];
  frame.set([0x33, 0x33, 0xff, ...target.subarray(13)], 0);
  frame.set(mac, 6);
  view.setUint16(12, 0x86dd);
  view.setUint32(14, 0x60000000);
  view.setUint16(18, icmpBytes);
  frame.set([58, 255], 20);
  frame.set(sender, 22);
  frame.set(group, 38);
  frame[54] = 135;
  frame.set(target, 62);
  if (hasSender) frame.set([1, 1, ...mac], 78);
  let sum = 58 + icmpBytes; // RFC 8200, 8.1: addresses, length, next header, then the message
  for (let at = 22; at < frame.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(56, ~sum & 0xffff);
  return frame;
}

/** The address that a frame answers for, in its 4 or 16 bytes; null for any other frame. */
export function answeredAddress(frame: Uint8Array): Uint8Array | null {
  const etherType = frame.length < 14 ? 0 : frame[12] << 8 | frame[13];
  if (etherType === 0x0806 && frame.length >= 42 && frame[21] === 2) return frame.subarray(28, 32);
  if (etherType === 0x86dd && frame.length >= 78 && frame[20] === 58 && frame[54] === 136) {
    return frame.subarray(62, 78);
  }
  return null;
}

/** The MAC that such a frame tells for it; null for any other frame, or where it tells none. */
export function answeringMac(frame: Uint8Array): Uint8Array | null {
  const address = answeredAddress(frame);
  if (address === null) return null;
  if (address.length === 4) return frame.subarray(22, 28);
  // RFC 4861, 4.6.1: the target's link-layer address, one unit of 8 bytes.
  const hasOption = frame.length >= 86 && frame[78] === 2 && frame[79] === 1;
  return hasOption ? frame.subarray(80, 86) : frame.subarray(6, 12);
}
