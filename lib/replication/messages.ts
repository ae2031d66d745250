/**
 * What goes through a stream (docs/protocol_streams.md, "Messages"): each message is u16 length of
 * its body, u8 type, body. Several share a frame; none is split over two.
 *
 * State messages (types below 0x40) are numbered from 1 by their order on the stream; the number is a
 * position, which ACK names. Link messages (from 0x40) have no number and may overtake state messages.
 * Types that a receiver does not know are skipped, and counted where they are state messages.
 */
import { BucketSet, bucketSetBytes } from "../ownership/bucket_set.ts";

export const messageType = {
  /** BucketSet: what follows is all that the sender has of these buckets. */
  bulkBegin: 1,
  /** A flow that has begun. */
  flowNew: 2,
  /** A flow that has changed. */
  flowUpdate: 3,
  /** A flow as a dump found it. */
  flowBulk: 4,
  /** A flow that has ended. */
  flowEnd: 5,
  /** BucketSet: entries of these buckets that were not named since BULK_BEGIN are stale. */
  bulkEnd: 6,
  /** The receiver has all flows of all buckets that the sender claims. */
  allSent: 7,
  /** u64 epoch, BucketSet: the buckets are the receiver's from here on. */
  release: 8,
  /** Kept free for count and keyed XOR of each bucket's flows at this position. */
  digest: 9,
  /** u64 position, u32 flows refused since the stream opened: all up to there is in the kernel. */
  ack: 0x40,
  /** u64 epoch, BucketSet: the answer to RELEASE. */
  released: 0x41,
  /** Nothing to say, but alive. */
  ping: 0x42,
} as const;

/** Types below are state messages. */
export const firstLinkType = 0x40;

export const messageHeadBytes = 3;

/** Writes a message's head at `at`. */
export function writeMessageHead(
  bytes: Uint8Array,
  at: number,
  type: number,
  bodyBytes: number,
): void {
  bytes[at] = bodyBytes >> 8;
  bytes[at + 1] = bodyBytes;
  bytes[at + 2] = type;
}

/** A whole message. */
export function encodeMessage(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const bodyBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const message = new Uint8Array(messageHeadBytes + bodyBytes);
  writeMessageHead(message, 0, type, bodyBytes);
  let at = messageHeadBytes;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

/** A whole number below 2^53 in 8 bytes, network order. */
export function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value >>> 0);
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** A message's body, read. */
export class Body {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  start = 0;
  end = 0;

  /** Whether it has at least so many bytes; later versions may append. */
  has(length: number): boolean {
    return this.end - this.start >= length;
  }

  u64(at: number): number {
    return this.view.getUint32(this.start + at) * 2 ** 32 + this.u32(at + 4);
  }

  u32(at: number): number {
    return this.view.getUint32(this.start + at);
  }

  buckets(at: number): BucketSet {
    const from = this.start + at;
    return BucketSet.fromBytes(this.bytes.subarray(from, from + bucketSetBytes));
  }
}
