/**
 * What a node tells a share's network without being asked: where the shared addresses are, and that
 * frames for the cluster are wanted here. A switch that snoops sends a group's frames to those ports
 * only on which it has heard of members, and forgets a port that loses its link.
 */
import { arpRequest, ethernetFrame, etherTypes, icmp6Frame, internetChecksum } from "./ethernet.ts";

const allNodes = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const allMldRouters = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16];
const allIgmpRouters = [224, 0, 0, 22];
/** A record of IGMPv3 (RFC 3376, 4.2.12) and MLDv2 (RFC 3810, 5.2.12): from now on, all sources. */
const changeToExclude = 4;
/** Groups in one report: as many as a frame of the smallest MTU of IPv6, 1280, has room for. */
export const groupsMax = 60;

/**
 * An ARP announcement (RFC 5227, 2.3) or an unsolicited neighbour advertisement (RFC 4861, 7.2.6).
 *
 * @param from The MAC of the interface that sends it.
 * @param mac The one that is told, the cluster's.
 * @param isRouter As the kernel says in its own answers: hosts that learn the opposite let go of their
 * default route.
 */
export function announcementFrame(
  address: Uint8Array,
  { from, mac, isRouter }: {
    readonly from: Uint8Array;
    readonly mac: Uint8Array;
    readonly isRouter: boolean;
  },
): Uint8Array<ArrayBuffer> {
  if (address.length === 4) return arpRequest({ from, mac, sender: address, target: address });
  const message = new Uint8Array(32);
  message.set([136, 0, 0, 0, isRouter ? 0xa0 : 0x20]); // the flags router and override
  message.set(address, 8);
  message.set([2, 1, ...mac], 24);
  return icmp6Frame({ from, source: address, group: allNodes, hopLimit: 255 }, message);
}

/**
 * A report of membership in an IPv4 group. `version`: what the network's querier speaks (RFC 3376,
 * 7.2.1); 1 and 2 report to the group itself.
 */
export function igmpReport(
  group: Uint8Array,
  { from, source, version }: {
    readonly from: Uint8Array;
    readonly source: Uint8Array;
    readonly version: 1 | 2 | 3;
  },
): Uint8Array<ArrayBuffer> {
  const [a, b, c, d] = version === 3 ? allIgmpRouters : group;
  const to = [0x01, 0x00, 0x5e, b & 0x7f, c, d]; // RFC 1112, 6.4
  const messageBytes = version === 3 ? 16 : 8;
  const frame = ethernetFrame({ to, from, etherType: etherTypes.ip4 }, 24 + messageBytes);
  const view = new DataView(frame.buffer);
  view.setUint16(14, 0x46c0); // version 4, 6 words, DSCP CS6 (network control)
  view.setUint16(16, 24 + messageBytes);
  view.setUint16(20, 0x4000); // do not fragment
  frame.set([1, 2], 22); // TTL, IGMP
  frame.set(source, 26);
  frame.set([a, b, c, d, 0x94, 4, 0, 0], 30); // and router alert (RFC 2113)
  view.setUint16(24, internetChecksum(view, 14, 24));
  if (version === 3) {
    frame.set([0x22, 0, 0, 0, 0, 0, 0, 1, changeToExclude], 38);
    frame.set(group, 50);
  } else {
    frame[38] = version === 2 ? 0x16 : 0x12;
    frame.set(group, 42);
  }
  view.setUint16(40, internetChecksum(view, 38, messageBytes));
  return frame;
}

/**
 * A report of membership in up to `groupsMax` IPv6 groups (MLDv2).
 *
 * @param source A link-local address of the interface, or `::` where it has none (RFC 3810, 5.2.13).
 */
export function mldReport(
  groups: readonly Uint8Array[],
  { from, source }: { readonly from: Uint8Array; readonly source: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(8 + 20 * groups.length);
  message[0] = 143;
  new DataView(message.buffer).setUint16(6, groups.length);
  groups.forEach((group, i) => {
    message[8 + 20 * i] = changeToExclude;
    message.set(group, 12 + 20 * i);
  });
  // ICMPv6 follows, router alert for MLD (RFC 2711), two bytes of padding.
  const options = [58, 0, 5, 2, 0, 0, 1, 0];
  return icmp6Frame({ from, source, group: allMldRouters, hopLimit: 1, options }, message);
}

/** The group in which hosts ask for an IPv6 address (RFC 4291, 2.7.1). */
export function solicitedNodeGroup(address: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.subarray(13));
}
