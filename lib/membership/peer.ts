/**
 * What this node knows of one start (incarnation) of another node, from its heartbeats alone.
 *
 * A peer counts only after it has echoed this node's own incarnation: a recording of some dead node
 * cannot do that, so it revives nobody. From then on its sequence numbers must rise.
 */
import type { Heartbeat } from "../wire/heartbeat.ts";
import { formatAddress } from "../wire/address.ts";
import { HeartbeatDecoder } from "../wire/heartbeat_decoder.ts";
import type { Millis } from "../ports.ts";

export class Peer {
  /** Its newest heartbeat. */
  heartbeat: Heartbeat;
  /** It hears this node: it has echoed our incarnation. */
  confirmed = false;
  /** It has done so at some time, perhaps before it was taken for dead. */
  met = false;
  lastHeard: Millis;
  readonly decoder = new HeartbeatDecoder();
  /** The newest of our sequence numbers that it has acknowledged; -1: none. */
  ackedSequence = -1;
  /** What the replication says it has acknowledged everything of, among our claims. */
  proven;
  /** All flows of its claims are in our kernel (while we are syncing). */
  bulkReceived = false;
  /** Only an echo of a later heartbeat of ours confirms it. */
  echoAbove = -1;
  /** Our newest sequence number when it was heard for the first time. */
  firstHeardAfter = 0;
  /** When it was last heard on each interface; -Infinity: never. */
  #addresses: { of: readonly Uint8Array[]; text: readonly string[] } = { of: [], text: [] };
  #heardAt: Float64Array;
  /** The newest sequence number that came by each interface. */
  #sequences: Float64Array;

  /** Without a detection time's silence. */
  readonly heardSince: Millis;

  constructor(
    readonly incarnation: string,
    heartbeat: Heartbeat,
    interfaces: number,
    now: Millis,
    noBuckets: Heartbeat["held"],
  ) {
    this.heartbeat = heartbeat;
    this.heardSince = now;
    this.lastHeard = now;
    this.proven = noBuckets;
    this.#heardAt = new Float64Array(interfaces).fill(-Infinity);
    this.#sequences = new Float64Array(interfaces).fill(-1);
  }

  /** Where its replication port is, best first. */
  get addresses(): readonly string[] {
    const { addresses } = this.heartbeat;
    if (this.#addresses.of !== addresses) {
      this.#addresses = { of: addresses, text: addresses.map(formatAddress) };
    }
    return this.#addresses.text;
  }

  get name(): string {
    return this.heartbeat.name;
  }

  /** How long its silence may last: from its own interval, counted from receipt, as BFD does. */
  detectionMs(multiplier: number): number {
    return this.heartbeat.intervalMs * multiplier;
  }

  heard(heartbeat: Heartbeat, interfaceIndex: number, self: string, now: Millis): void {
    this.heartbeat = heartbeat;
    this.lastHeard = now;
    this.alsoHeardOn(interfaceIndex, heartbeat.sequence, now);
    const echo = heartbeat.peers.find((peer) => peer.incarnation === self);
    if (echo !== undefined && echo.sequence > this.echoAbove) {
      this.confirmed = true;
      this.met = true;
      this.ackedSequence = Math.max(this.ackedSequence, echo.sequence);
    }
  }

  /** A heartbeat came by an interface; false where that one had brought it, or a later one, before. */
  alsoHeardOn(interfaceIndex: number, sequence: number, now: Millis): boolean {
    if (interfaceIndex >= this.#sequences.length) this.#grow(interfaceIndex + 1);
    if (sequence <= this.#sequences[interfaceIndex]) return false;
    this.#sequences[interfaceIndex] = sequence;
    this.#heardAt[interfaceIndex] = now;
    return true;
  }

  /** An interface was added while this node runs. */
  #grow(interfaces: number): void {
    const [heardAt, sequences] = [this.#heardAt, this.#sequences];
    this.#heardAt = new Float64Array(interfaces).fill(-Infinity);
    this.#heardAt.set(heardAt);
    this.#sequences = new Float64Array(interfaces).fill(-1);
    this.#sequences.set(sequences);
  }

  /** Interfaces on which it was heard since `since`, as bits of their index. */
  heardOn(since: Millis): number {
    let bits = 0;
    for (let i = 0; i < this.#heardAt.length; i++) if (this.#heardAt[i] >= since) bits |= 1 << i;
    return bits;
  }

  /**
   * Interfaces on which it was not heard since `since`, though it has carrier there or was heard there
   * before, as bits of their index.
   */
  missedOn(since: Millis): number {
    return (this.heardOn(-Number.MAX_VALUE) | this.#shared) & ~this.heardOn(since);
  }

  /** Interfaces on which it does not hear another start of a node, though it has carrier there, as bits. */
  missesOn(incarnation: string): number {
    return this.#shared & ~this.hears(incarnation);
  }

  /** Interfaces of this node of which the peer has one as well, with carrier. */
  get #shared(): number {
    return this.heartbeat.carriers & ((1 << this.#heardAt.length) - 1);
  }

  /** What it said of another start of a node: on which interfaces it hears it; 0: it does not. */
  hears(incarnation: string): number {
    return this.heartbeat.peers.find((peer) => peer.incarnation === incarnation)?.heardOn ?? 0;
  }
}

/** The numbers of the bits that are set, the lowest first. */
export function bitsOf(bits: number): number[] {
  return Array.from({ length: 32 }, (_, i) => i).filter((i) => (bits >> i & 1) === 1);
}
