/**
 * The heartbeat: everything that a node says about itself, in one datagram.
 *
 * The order of the fields here is the order on the wire (docs/protocol.md). New fields are appended
 * at the end; a reader ignores what it does not know.
 */
import { BucketSet, bucketSetBytes } from "../ownership/bucket_set.ts";
import { linksMax, membersMax, nameBytesMax } from "../limits.ts";
import type { NodeState } from "../control.ts";
import { fromHex, Reader, ShortMessage, Writer } from "./cursor.ts";
import { type HeartbeatTail, readTail, tailBytesMax, writeTail } from "./heartbeat_tail.ts";
import { incarnationBytes } from "./seal.ts";

export const heartbeatType = 1;

/** On the wire a state is its place in this list, which is only ever appended to. */
const states: readonly NodeState[] = ["joining", "syncing", "ready", "draining", "left"];

const flagLeaseHeld = 1;
const flagForfeited = 2;
const flagAckSoon = 4;

/** What a node says of a peer that it hears. */
export interface HeardPeer {
  /** 32 hexadecimal digits. */
  readonly incarnation: string;
  /** The newest sequence number received from it: the acknowledgement that its lease lives on. */
  readonly sequence: number;
  /** Interfaces on which it was heard within its detection time, as bits: the shares, then the links. */
  readonly heardOn: number;
}

export interface Heartbeat extends HeartbeatTail {
  readonly state: NodeState;
  /** Its datapath may handle frames now. */
  readonly leaseHeld: boolean;
  /** It gave up its ranks of the present plan: others take over, and it will not come back to them. */
  readonly forfeited: boolean;
  /** Its lease runs low: answer at once. */
  readonly ackSoon: boolean;
  readonly name: string;
  readonly sequence: number;
  /** How often it sends; its detection time is this times the multiplier. */
  readonly intervalMs: number;
  readonly weight: number;
  /** 16 hexadecimal digits: what must be equal on all nodes. */
  readonly configDigest: string;
  readonly planEpoch: number;
  /** 16 hexadecimal digits; zeros where it holds no plan. */
  readonly planDigest: string;
  /** Size of the mutually hearing group in which it came by its buckets. */
  readonly claimGroup: number;
  /** Interfaces that are up, as bits: the shares, then the links. */
  readonly carriers: number;
  /** Buckets that are switched on. */
  readonly held: BucketSet;
  /** `held`, and what is being handed over and not yet released. */
  readonly claims: BucketSet;
  /** Of `claims`, those of which a live backup has acknowledged everything. */
  readonly proven: BucketSet;
  /** Where its replication port is: 4 or 16 bytes each. */
  readonly addresses: readonly Uint8Array[];
  readonly peers: readonly HeardPeer[];
}

/** A peer's incarnation, then its sequence (8 bytes), then where it was heard. */
export const peerBytes = incarnationBytes + 12;

/** An upper bound of all but the peers, in bytes. */
const restBytesMax = 64 + nameBytesMax + 3 * bucketSetBytes + linksMax * 2 * 17 + tailBytesMax;

export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array<ArrayBuffer> {
  const writer = new Writer(restBytesMax + heartbeat.peers.length * peerBytes)
    .u8(heartbeatType)
    .u8(states.indexOf(heartbeat.state))
    .u8(
      (heartbeat.leaseHeld ? flagLeaseHeld : 0) | (heartbeat.forfeited ? flagForfeited : 0) |
        (heartbeat.ackSoon ? flagAckSoon : 0),
    )
    .text(heartbeat.name)
    .u64(heartbeat.sequence)
    .u32(Math.round(heartbeat.intervalMs * 1000))
    .u32(Math.round(heartbeat.weight * 1000))
    .raw(fromHex(heartbeat.configDigest))
    .u64(heartbeat.planEpoch)
    .raw(fromHex(heartbeat.planDigest))
    .u8(heartbeat.claimGroup)
    .u32(heartbeat.carriers)
    .raw(heartbeat.held.toBytes())
    .raw(heartbeat.claims.toBytes())
    .raw(heartbeat.proven.toBytes())
    .u8(heartbeat.addresses.length);
  for (const address of heartbeat.addresses) writer.u8(address.length).raw(address);
  writer.u8(heartbeat.peers.length);
  for (const peer of heartbeat.peers) {
    writer.raw(fromHex(peer.incarnation)).u64(peer.sequence).u32(peer.heardOn);
  }
  writeTail(writer, heartbeat);
  return writer.bytes;
}

/** In `heardOn`: the peer has said that it hears the sender, so it is no recording. */
export const heardMutually = 1 << 30;

/** The sequence number of a message that is long enough; -1: it is not, or the number is none. */
export function sequenceOf(message: Uint8Array): number {
  const at = 4 + message[3];
  return message.length >= at + 8 ? counterAt(message, at) : -1;
}

/** An unsigned number of 8 bytes; -1: it is too large for a counter. */
export function counterAt(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) value = value * 256 + bytes[i];
  return Number.isSafeInteger(value) ? value : -1;
}

/** Where in a message those numbers lie that differ between heartbeats that say the same. */
export interface HeartbeatLayout {
  /** 8 bytes. */
  sequenceAt: number;
  /** The first of the peers, behind their count: `peerBytes` each. */
  peersAt: number;
}

/** The heartbeat, or why it cannot be one. `layout` is filled in. */
export function decodeHeartbeat(
  message: Uint8Array,
  layout: HeartbeatLayout = { sequenceAt: 0, peersAt: 0 },
): Heartbeat | { readonly refusal: string } {
  try {
    return read(new Reader(message), layout);
  } catch (error) {
    if (error instanceof ShortMessage) return { refusal: "malformed heartbeat" };
    throw error;
  }
}

function read(reader: Reader, layout: HeartbeatLayout): Heartbeat {
  must(reader.u8() === heartbeatType);
  const state = states[reader.u8()];
  must(state !== undefined);
  const flags = reader.u8();
  const name = reader.name();
  layout.sequenceAt = reader.at;
  const sequence = reader.u64();
  const intervalMs = reader.u32() / 1000;
  must(intervalMs > 0);
  const weight = reader.u32() / 1000;
  const configDigest = reader.hex(8);
  const planEpoch = reader.u64();
  const planDigest = reader.hex(8);
  const claimGroup = reader.u8();
  const carriers = reader.u32();
  const held = BucketSet.fromBytes(reader.raw(bucketSetBytes));
  const claims = BucketSet.fromBytes(reader.raw(bucketSetBytes));
  const proven = BucketSet.fromBytes(reader.raw(bucketSetBytes));
  const addresses = Array.from({ length: reader.u8() }, () => {
    const length = reader.u8();
    must(length === 4 || length === 16);
    return reader.raw(length);
  });
  const peerCount = reader.u8();
  must(peerCount < membersMax);
  layout.peersAt = reader.at;
  const peers = Array.from({ length: peerCount }, () => ({
    incarnation: reader.hex(incarnationBytes),
    sequence: reader.u64(),
    heardOn: reader.u32(),
  }));
  return {
    state,
    leaseHeld: (flags & flagLeaseHeld) !== 0,
    forfeited: (flags & flagForfeited) !== 0,
    ackSoon: (flags & flagAckSoon) !== 0,
    name,
    sequence,
    intervalMs,
    weight,
    configDigest,
    planEpoch,
    planDigest,
    claimGroup,
    carriers,
    held,
    claims,
    proven,
    addresses,
    peers,
    ...readTail(reader),
  };
}

function must(condition: boolean): asserts condition {
  if (!condition) throw new ShortMessage("a field out of its range");
}
