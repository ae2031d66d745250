/**
 * Generic netlink (linux/genetlink.h), and of its families what tells about an interface: `ethtool`
 * (linux/ethtool_netlink.h) and `netdev` (linux/netdev.h).
 */
import {
  type Attribute,
  attributes,
  type Message,
  MessageWriter,
  NLM_F_ACK,
  NLM_F_REQUEST,
  textOf,
} from "./message.ts";

/** Of the family that knows the others' numbers. */
export const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

const ETHTOOL_MSG_LINKMODES_GET = 4;
const ETHTOOL_MSG_FEATURES_GET = 11;
const ETHTOOL_A_HEADER = 1;
const ETHTOOL_A_HEADER_DEV_INDEX = 1;
const ETHTOOL_A_LINKMODES_SPEED = 5;
const ETHTOOL_A_LINKMODES_DUPLEX = 6;
const ETHTOOL_A_FEATURES_ACTIVE = 4;
const ETHTOOL_A_BITSET_NOMASK = 1;
const ETHTOOL_A_BITSET_BITS = 3;
const ETHTOOL_A_BITSET_BIT_NAME = 2;
const ETHTOOL_A_BITSET_BIT_VALUE = 3;
const DUPLEX_HALF = 0;
const SPEED_UNKNOWN = 0xffffffff;

const NETDEV_CMD_DEV_GET = 1;
const NETDEV_A_DEV_IFINDEX = 1;
const NETDEV_A_DEV_XDP_FEATURES = 3;
/** XDP_ABORTED, DROP, PASS and TX: all that a program of avail uses. */
const NETDEV_XDP_ACT_BASIC = 1;

/** Length of struct genlmsghdr. */
const genlHeaderBytes = 4;

export function encodeFamilyRequest(writer: MessageWriter, sequence: number, name: string): void {
  begin(writer, GENL_ID_CTRL, sequence, CTRL_CMD_GETFAMILY);
  writer.string(CTRL_ATTR_FAMILY_NAME, name);
  writer.end();
}

/** The number of the family that was asked for. */
export function decodeFamily(view: DataView, message: Message): number | null {
  const found = attributeOf(view, message, CTRL_ATTR_FAMILY_ID);
  return found === null || found.end - found.start < 2 ? null : view.getUint16(found.start, true);
}

/** Asks what `ethtool -k` shows. */
export function encodeFeaturesRequest(
  writer: MessageWriter,
  sequence: number,
  family: number,
  index: number,
): void {
  encodeEthtool(writer, sequence, family, ETHTOOL_MSG_FEATURES_GET, index);
}

/** Names of the features that are on, such as `rx-gro`. */
export function decodeFeatures(view: DataView, message: Message): string[] {
  const active = attributeOf(view, message, ETHTOOL_A_FEATURES_ACTIVE);
  if (active === null) return [];
  const parts = [...attributes(view, active.start, active.end)];
  // Without a mask, only bits that are set are listed.
  const isList = parts.some(({ type }) => type === ETHTOOL_A_BITSET_NOMASK);
  const bits = parts.find(({ type }) => type === ETHTOOL_A_BITSET_BITS);
  if (bits === undefined) return [];
  return [...attributes(view, bits.start, bits.end)].flatMap((bit) => {
    const inner = [...attributes(view, bit.start, bit.end)];
    const name = inner.find(({ type }) => type === ETHTOOL_A_BITSET_BIT_NAME);
    const isSet = isList || inner.some(({ type }) => type === ETHTOOL_A_BITSET_BIT_VALUE);
    return name === undefined || !isSet ? [] : [textOf(view, name)];
  });
}

/** Asks for speed and duplex. */
export function encodeModesRequest(
  writer: MessageWriter,
  sequence: number,
  family: number,
  index: number,
): void {
  encodeEthtool(writer, sequence, family, ETHTOOL_MSG_LINKMODES_GET, index);
}

/** `speed` in megabits a second; null where the driver does not say. */
export function decodeModes(
  view: DataView,
  message: Message,
): { speed: number | null; isHalfDuplex: boolean } {
  const speed = attributeOf(view, message, ETHTOOL_A_LINKMODES_SPEED);
  const duplex = attributeOf(view, message, ETHTOOL_A_LINKMODES_DUPLEX);
  const value = speed === null || speed.end - speed.start < 4
    ? SPEED_UNKNOWN
    : view.getUint32(speed.start, true);
  return {
    speed: value === SPEED_UNKNOWN || value === 0 ? null : value,
    isHalfDuplex: duplex !== null && duplex.end > duplex.start &&
      view.getUint8(duplex.start) === DUPLEX_HALF,
  };
}

/** Asks what the driver can do with XDP. */
export function encodeXdpRequest(
  writer: MessageWriter,
  sequence: number,
  family: number,
  index: number,
): void {
  begin(writer, family, sequence, NETDEV_CMD_DEV_GET);
  writer.u32(NETDEV_A_DEV_IFINDEX, index);
  writer.end();
}

/** Whether it runs programs that drop, pass and rewrite frames; null where it does not say. */
export function decodeXdp(view: DataView, message: Message): boolean | null {
  const features = attributeOf(view, message, NETDEV_A_DEV_XDP_FEATURES);
  if (features === null || features.end - features.start < 4) return null;
  return (view.getUint32(features.start, true) & NETDEV_XDP_ACT_BASIC) !== 0;
}

function encodeEthtool(
  writer: MessageWriter,
  sequence: number,
  family: number,
  command: number,
  index: number,
): void {
  begin(writer, family, sequence, command);
  const header = writer.openNested(ETHTOOL_A_HEADER);
  writer.u32(ETHTOOL_A_HEADER_DEV_INDEX, index);
  writer.closeNested(header);
  writer.end();
}

function begin(writer: MessageWriter, family: number, sequence: number, command: number): void {
  writer.begin(family, NLM_F_REQUEST | NLM_F_ACK, sequence, [command, 1, 0, 0]);
}

function attributeOf(view: DataView, message: Message, type: number): Attribute | null {
  for (const attribute of attributes(view, message.start + genlHeaderBytes, message.end)) {
    if (attribute.type === type) return attribute;
  }
  return null;
}
