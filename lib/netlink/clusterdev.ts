/**
 * Devices of the kernel module clusterdev over rtnetlink: made, changed, removed and read as
 * kmod/clusterdev/clusterdev.h says. A test compares the numbers with that header.
 */
import {
  type Attribute,
  attributes,
  bytesOf,
  type Message,
  type MessageWriter,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REQUEST,
} from "./message.ts";
import {
  decodeLink,
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_INFO_KIND,
  IFLA_LINK,
  IFLA_LINKINFO,
  type Link,
  linkHeader,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
} from "./rtnetlink.ts";

/** IFLA_INFO_KIND of these devices. */
export const clusterDeviceKind = "clusterdev";
const IFLA_INFO_DATA = 2;

/** IFLA_CLUSTERDEV_*, inside IFLA_INFO_DATA. */
export const deviceAttribute = {
  key: 2,
  side: 3,
  seed: 4,
  nat4: 5,
  inside: 6,
  markMask: 7,
  responsibility: 8,
  lease: 9,
  epoch: 10,
  cookie: 11,
  stateFd: 12,
  counters: 13,
} as const;

/** CLUSTERDEV_PREFIX*, inside IFLA_CLUSTERDEV_INSIDE. */
export const prefixAttribute = { prefix: 1, address: 2, length: 3 } as const;

/** CLUSTERDEV_COUNT_*, inside IFLA_CLUSTERDEV_COUNTERS. */
export const countAttribute = {
  accepted: 2,
  notOwned: 3,
  leaseExpired: 4,
  malformed: 5,
  neighbour: 6,
  noMemory: 7,
  sent: 8,
} as const;

/** enum clusterdev_key */
export const keyNumber = { source: 0, pair: 1, inside: 2, flow: 3 } as const;
/** enum clusterdev_side */
export const sideNumber = { inside: 0, outside: 1 } as const;

/** What a device starts with; it owns nothing and has no lease. */
export interface NewClusterDevice {
  readonly name: string;
  /** The index of the device below. */
  readonly lower: number;
  /** The cluster MAC, 6 bytes. */
  readonly mac: Uint8Array;
  readonly key: keyof typeof keyNumber;
  readonly side: keyof typeof sideNumber | null;
  readonly seed: readonly [low: number, high: number];
  /** The NAT address, 4 bytes, or null. */
  readonly nat4: Uint8Array | null;
  /** The inside networks: 4 or 16 bytes each, host bits may be set. */
  readonly inside: readonly { readonly address: Uint8Array; readonly prefixLength: number }[];
  /** 0: the packet mark is left alone. */
  readonly markMask: number;
  /** 16 bytes, by which a later program recognises what this one made. */
  readonly cookie: Uint8Array;
  /** An open /dev/clusterdev, whose page the device goes by. */
  readonly stateFd: number;
}

/** A device that is there. */
export interface ClusterDevice extends Link {
  /** 16 zeros where none was given. */
  readonly cookie: Uint8Array;
  /** CLOCK_BOOTTIME in nanoseconds. */
  readonly lease: bigint;
  /** Frames since the device was made. */
  readonly counts: Readonly<Record<keyof typeof countAttribute, number>>;
}

/** Makes a device, which is down then; the answer is an acknowledgement. */
export function encodeDeviceCreate(
  writer: MessageWriter,
  sequence: number,
  device: NewClusterDevice,
): void {
  const { name, lower, mac, key, side, seed, nat4, inside, markMask, cookie, stateFd } = device;
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  writer.begin(RTM_NEWLINK, flags, sequence, linkHeader(0));
  writer.string(IFLA_IFNAME, name);
  writer.u32(IFLA_LINK, lower);
  writer.raw(IFLA_ADDRESS, mac);
  writeData(writer, () => {
    writer.u8(deviceAttribute.key, keyNumber[key]);
    if (side !== null) writer.u8(deviceAttribute.side, sideNumber[side]);
    writer.u64(deviceAttribute.seed, BigInt(seed[1] >>> 0) << 32n | BigInt(seed[0] >>> 0));
    if (nat4 !== null) writer.raw(deviceAttribute.nat4, nat4);
    const list = writer.openNested(deviceAttribute.inside);
    for (const { address, prefixLength } of inside) {
      const prefix = writer.openNested(prefixAttribute.prefix);
      writer.raw(prefixAttribute.address, address);
      writer.u8(prefixAttribute.length, prefixLength);
      writer.closeNested(prefix);
    }
    writer.closeNested(list);
    writer.u32(deviceAttribute.markMask, markMask);
    writer.raw(deviceAttribute.cookie, cookie);
    writer.u32(deviceAttribute.stateFd, stateFd);
  });
  writer.end();
}

/** What can be changed while a device works. */
export interface ClusterDeviceChange {
  /** CLOCK_BOOTTIME in nanoseconds; 0 takes the lease back. */
  readonly lease?: bigint;
  /** From now on the device goes by the page of this open /dev/clusterdev. */
  readonly stateFd?: number;
}

/** Changes a device; the answer is an acknowledgement. */
export function encodeDeviceChange(
  writer: MessageWriter,
  sequence: number,
  index: number,
  { lease, stateFd }: ClusterDeviceChange,
): void {
  writer.begin(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, sequence, linkHeader(index));
  writeData(writer, () => {
    if (lease !== undefined) writer.u64(deviceAttribute.lease, lease);
    if (stateFd !== undefined) writer.u32(deviceAttribute.stateFd, stateFd);
  });
  writer.end();
}

/** Removes a link of any kind that can be removed; the answer is an acknowledgement. */
export function encodeDeviceDelete(writer: MessageWriter, sequence: number, index: number): void {
  writer.begin(RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, sequence, linkHeader(index));
  writer.end();
}

/**
 * Asks for a device on top of nothing, which is refused always: EOPNOTSUPP where the kernel has no
 * such kind and finds no module for it. So the question loads the module that there is.
 */
export function encodeKindProbe(writer: MessageWriter, sequence: number): void {
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  writer.begin(RTM_NEWLINK, flags, sequence, linkHeader(0));
  writeData(writer, () => {});
  writer.end();
}

/** A request for all devices of this kind. */
export function encodeDeviceDump(writer: MessageWriter, sequence: number): void {
  writer.begin(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence, linkHeader(0));
  const info = writer.openNested(IFLA_LINKINFO);
  writer.string(IFLA_INFO_KIND, clusterDeviceKind);
  writer.closeNested(info);
  writer.end();
}

function writeData(writer: MessageWriter, write: () => void): void {
  const info = writer.openNested(IFLA_LINKINFO);
  writer.string(IFLA_INFO_KIND, clusterDeviceKind);
  const data = writer.openNested(IFLA_INFO_DATA);
  write();
  writer.closeNested(data);
  writer.closeNested(info);
}

/** A device of a dump, or null where the message is something else or is cut short. */
export function decodeDevice(view: DataView, message: Message): ClusterDevice | null {
  const link = decodeLink(view, message);
  if (link?.kind !== clusterDeviceKind) return null;
  let cookie = new Uint8Array(16), lease = 0n;
  const counts = { ...noCounts };
  for (const attribute of dataOf(view, message)) {
    const length = attribute.end - attribute.start;
    if (attribute.type === deviceAttribute.cookie) cookie = bytesOf(view, attribute);
    else if (attribute.type === deviceAttribute.lease && length === 8) {
      lease = view.getBigUint64(attribute.start, true);
    } else if (attribute.type === deviceAttribute.counters) readCounts(view, attribute, counts);
  }
  return { ...link, cookie, lease, counts };
}

/** The attributes in IFLA_INFO_DATA, if the message has them. */
function* dataOf(view: DataView, message: Message): Generator<Attribute> {
  for (const info of attributes(view, message.start + linkHeader(0).length, message.end)) {
    if (info.type !== IFLA_LINKINFO) continue;
    for (const data of attributes(view, info.start, info.end)) {
      if (data.type === IFLA_INFO_DATA) yield* attributes(view, data.start, data.end);
    }
  }
}

type Counts = Record<keyof typeof countAttribute, number>;

const countNames = Object.keys(countAttribute) as (keyof Counts)[];
const noCounts = Object.fromEntries(countNames.map((name) => [name, 0])) as Counts;

function readCounts(view: DataView, { start, end }: Attribute, into: Counts): void {
  for (const count of attributes(view, start, end)) {
    const name = countNames.find((candidate) => countAttribute[candidate] === count.type);
    if (name === undefined || count.end - count.start !== 8) continue;
    into[name] = Number(view.getBigUint64(count.start, true));
  }
}
