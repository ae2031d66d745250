/**
 * What version 2 appended to the heartbeat: the versions that a node speaks, whether its checks let it
 * own buckets, and by topic a digest of what must agree on all nodes.
 *
 * The order of the fields here is the order on the wire (docs/protocol.md). Later versions append.
 */
import { fromHex, type Reader, ShortMessage, toHex, type Writer } from "./cursor.ts";
import type { Speaker } from "./protocol_version.ts";

export interface HeartbeatTail extends Speaker {
  /** Its checks fail: it may own no buckets. */
  readonly unfit: boolean;
  /** 8 hexadecimal digits each, in the order of `topics`; zeros where it does not tell. */
  readonly topics: readonly string[];
}

const flagUnfit = 1;
const topicBytes = 4;
/** Room for the digests that this version knows and for some more. */
export const topicsMax = 16;
export const tailBytesMax = 4 + topicsMax * topicBytes;

/** What a heartbeat without a tail says. */
export const tailOfVersion1: HeartbeatTail = { version: 1, oldest: 1, unfit: false, topics: [] };

/** Appends the tail; nothing where the node speaks version 1. */
export function writeTail(writer: Writer, tail: HeartbeatTail): void {
  if (tail.version < 2) return;
  writer.u8(tail.version).u8(tail.oldest).u8(tail.unfit ? flagUnfit : 0).u8(tail.topics.length);
  for (const topic of tail.topics) writer.raw(fromHex(topic));
}

/** Reads what is left of a heartbeat; throws `ShortMessage` where it can be no tail. */
export function readTail(reader: Reader): HeartbeatTail {
  if (reader.remaining === 0) return tailOfVersion1;
  const version = reader.u8();
  const oldest = reader.u8();
  if (version < 2 || oldest < 1 || oldest > version) {
    throw new ShortMessage(`versions ${oldest} to ${version}`);
  }
  const flags = reader.u8();
  const topics = Array.from({ length: reader.u8() }, () => toHex(reader.raw(topicBytes)));
  return { version, oldest, unfit: (flags & flagUnfit) !== 0, topics };
}
