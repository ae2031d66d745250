/**
 * The Ethernet frame around a datagram. Heartbeats go through packet sockets, so this node builds
 * IPv4 and UDP itself: neither its firewall nor a missing address can silence it.
 *
 *      0  Ethernet: group MAC 01:00:5e:00:00:d5, the interface's MAC, 0x0800
 *     14  IPv4 without options: TTL 255, UDP, source 169.254.x.y made of the MAC, group 224.0.0.213
 *     34  UDP: port 9478 to port 9478
 *     42  the envelope (lib/wire/seal.ts)
 *
 * 224.0.0.0/24 never passes a router and must not be pruned by a switch that snoops IGMP (RFC 4541,
 * 2.1.2); 213 is unassigned in IANA's registry. A receiver insists on TTL 255 (RFC 5082).
 */
import { internetChecksum } from "./ethernet.ts";
import type { ExpectedNode } from "./expected.ts";
import {
  clusterIdOffset,
  envelopeMagic,
  incarnationOffset,
  nonceOffset,
  tagOffset,
} from "./seal.ts";

/** UDP port of the heartbeats, the same number as the replication's default TCP port. */
export const heartbeatPort = 9478;
export const heartbeatGroup: readonly number[] = [224, 0, 0, 213];
export const heartbeatGroupMac: readonly number[] = [0x01, 0x00, 0x5e, 0, 0, 0xd5];
export const frameHeaderBytes = 42;

/** The frame that carries `datagram` out of the interface with this MAC. */
export function frameOf(datagram: Uint8Array, mac: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(frameHeaderBytes + datagram.length);
  const view = new DataView(frame.buffer);
  frame.set(heartbeatGroupMac, 0);
  frame.set(mac, 6);
  view.setUint16(12, 0x0800);
  view.setUint16(14, 0x45c0); // version 4, 5 words, DSCP CS6 (network control)
  view.setUint16(16, 28 + datagram.length);
  view.setUint16(20, 0x4000); // do not fragment
  frame[22] = 255;
  frame[23] = 17;
  frame.set([169, 254, 1 + (mac[4] % 254), mac[5]], 26);
  frame.set(heartbeatGroup, 30);
  view.setUint16(24, internetChecksum(view, 14, 20));
  view.setUint16(34, heartbeatPort);
  view.setUint16(36, heartbeatPort);
  view.setUint16(38, 8 + datagram.length); // its checksum stays 0: none (RFC 768); GCM is the check
  frame.set(datagram, frameHeaderBytes);
  return frame;
}

/** The datagram inside a frame that the kernel's filter let through. */
export function datagramOf(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const udpBytes = frame.length < frameHeaderBytes ? 0 : frame[38] << 8 | frame[39];
  return frame.subarray(frameHeaderBytes, Math.min(frame.length, 34 + udpBytes));
}

/** An instruction of classic BPF: code, jump if true, jump if false, operand (linux/filter.h). */
export type FilterInstruction = readonly [code: number, jt: number, jf: number, k: number];

/** Which frames of this cluster a socket is for. */
export type Wanted =
  /** Those with one of the tags. */
  | "members"
  /** Of those, the ones that are due next (lib/wire/expected.ts). */
  | "due"
  /** Of those, all others. */
  | "undue"
  /** Those without a tag. */
  | "strangers";

const refuse: FilterInstruction = [0x06, 0, 0, 0]; // ret
const accept: FilterInstruction = [0x06, 0, 0, 0xffff];

/** The filter of a packet socket: frames as above, of this cluster. */
export function heartbeatFilter(
  clusterId: Uint8Array,
  tags: readonly Uint8Array[],
  wanted: Wanted,
  expected: readonly ExpectedNode[] = [],
): FilterInstruction[] {
  const at = frameHeaderBytes;
  const required: readonly [code: number, offset: number, value: number][] = [
    [0x28, 12, 0x0800], // ldh
    [0x30, 14, 0x45], // ldb
    [0x30, 22, 255],
    [0x30, 23, 17],
    [0x20, 30, word(new Uint8Array(heartbeatGroup))], // ld
    [0x28, 36, heartbeatPort],
    [0x28, at, envelopeMagic],
    [0x20, at + clusterIdOffset, word(clusterId)],
    [0x20, at + clusterIdOffset + 4, word(clusterId, 4)],
  ];
  const program: FilterInstruction[] = [];
  for (const [code, offset, value] of required) {
    program.push([code, 0, 0, offset], [0x15, 1, 0, value], refuse); // jeq
  }
  const [tagged, untagged] = wanted === "strangers" ? [refuse, accept] : [accept, refuse];
  program.push([0x20, 0, 0, at + tagOffset]);
  tags.forEach((tag, i) => program.push([0x15, tags.length - i, 0, word(tag)]));
  program.push(untagged);
  if (wanted === "due" || wanted === "undue") program.push(...dueFilter(expected, wanted));
  else program.push(tagged);
  return program;
}

/** Behind the tag: a short list for each node, found by the first word of its incarnation. */
function dueFilter(
  expected: readonly ExpectedNode[],
  wanted: "due" | "undue",
): FilterInstruction[] {
  const [due, undue] = wanted === "due" ? [accept, refuse] : [refuse, accept];
  const program: FilterInstruction[] = [
    [0x80, 0, 0, 0], // ld len: a load behind the end would refuse what is cut in both filters
    [0x35, 1, 0, frameHeaderBytes + nonceOffset + 4], // jge
    undue,
    [0x20, 0, 0, frameHeaderBytes + nonceOffset],
    [0x07, 0, 0, 0], // tax: X is the token
    [0x20, 0, 0, frameHeaderBytes + incarnationOffset],
  ];
  for (const { incarnation, tokens } of expected) {
    program.push([0x15, 0, tokens.length + 3, word(incarnation)]);
    program.push([0x87, 0, 0, 0]); // txa
    tokens.forEach((token, i) => program.push([0x15, tokens.length - i, 0, token]));
    program.push(undue, due);
  }
  program.push(undue);
  return program;
}

function word(bytes: Uint8Array, at = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}
