/**
 * Asking whether somebody already answers for a shared address: ARP (RFC 826) and neighbour
 * solicitation (RFC 4861, 4.3), and recognising the answers (ARP replies and advertisements).
 */
import { solicitedNodeGroup } from "./announcement.ts";
import { arpRequest, icmp6Frame } from "./ethernet.ts";

/** One question; the sender's own address may be missing (zeros), as in RFC 5227 probes. */
export function probeFrame(
  target: Uint8Array,
  mac: Uint8Array,
  sender: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return target.length === 4
    ? arpRequest({ from: mac, mac, sender, target })
    : solicitation(target, mac, sender);
}

function solicitation(
  target: Uint8Array,
  mac: Uint8Array,
  sender: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const hasSender = sender.some((byte) => byte !== 0); // from :: the option must not be there
  const message = new Uint8Array(hasSender ? 32 : 24);
  message[0] = 135;
  message.set(target, 8);
  if (hasSender) message.set([1, 1, ...mac], 24);
  const group = [...solicitedNodeGroup(target)];
  return icmp6Frame({ from: mac, source: sender, group, hopLimit: 255 }, message);
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

/** Whether such a frame tells all hosts a MAC of the cluster's: a node announces itself. */
export function isAnnouncement(frame: Uint8Array, clusterMac: Uint8Array): boolean {
  const told = answeringMac(frame);
  return (frame[0] & 1) === 1 && told !== null && told.every((byte, i) => byte === clusterMac[i]);
}
