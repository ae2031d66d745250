/**
 * The bucket of a whole frame: what the datapath decides, for tests and for explaining it.
 * Twin of avail_bucket_of_frame() in kmod/bucket.h.
 */

import type { KeyKind } from "../config.ts";
import { inPrefix } from "../wire/address.ts";
import type { BucketHash } from "./bucket.ts";
import { type NoPacket, type Packet, parseFrame } from "./packet.ts";

/** How one share hashes. */
export interface FrameKey {
  readonly hash: BucketHash;
  readonly key: KeyKind;
  /** Only for the key `inside`. */
  readonly side: "inside" | "outside" | null;
  /** The IPv4 address whose ports belong to buckets, 4 bytes; null: none. */
  readonly natAddress: Uint8Array | null;
  readonly insidePrefixes: readonly InsidePrefix[];
}

export interface InsidePrefix {
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
}

/** A bucket, or why there is none (`enum avail_verdict`). */
export type BucketVerdict = number | NoPacket | "fragmentToNat" | "natOther";

const natPortFirst = 1024;
const natSlice = 252;

export function bucketOfFrame(frame: Uint8Array, key: FrameKey): BucketVerdict {
  const packet = parseFrame(frame);
  if (typeof packet === "string") return packet;
  return natVerdict(frame, packet, key) ?? bucketByKey(frame, packet, key);
}

/** null: the share's key decides. */
function natVerdict(frame: Uint8Array, packet: Packet, key: FrameKey): BucketVerdict | null {
  if (!key.natAddress || packet.family !== 4) return null;
  if (!inPrefix(frame, packet.destination, key.natAddress, 32)) return null;
  if (packet.fragment !== "no" && !packet.quoted) return "fragmentToNat";
  const hasNatPorts = packet.protocol === 6 || packet.protocol === 17;
  const port = packet.echo ?? (hasNatPorts ? packet.ports?.destination : undefined);
  if (port === undefined) return "natOther";
  return port < natPortFirst ? null : Math.floor((port - natPortFirst) / natSlice);
}

function bucketByKey(frame: Uint8Array, packet: Packet, key: FrameKey): number {
  const { source, destination, ports, protocol } = packet;
  const addressBytes = packet.family === 4 ? 4 : 16;
  const isInside = (offset: number) =>
    key.insidePrefixes.some(({ bytes, prefixLength }) =>
      bytes.length === addressBytes && inPrefix(frame, offset, bytes, prefixLength)
    );
  if (key.key === "source") return key.hash.ofSource(frame, source, addressBytes);
  if (key.key === "flow" && ports && packet.fragment === "no") {
    const { source: sport, destination: dport } = ports;
    return key.hash.ofFlow(frame, source, destination, addressBytes, sport, dport, protocol);
  }
  if (key.key === "inside" && !(isInside(source) && isInside(destination))) {
    const host = key.side === "inside" ? source : destination;
    return key.hash.ofSource(frame, host, addressBytes);
  }
  return key.hash.ofPair(frame, source, destination, addressBytes);
}
