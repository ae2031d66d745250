/**
 * Who is there. Heartbeats go in; out comes the set of live peers, each death exactly once.
 *
 * Intuition: silence is judged by the receiver's clock alone (time of receipt plus the sender's own
 * interval times the multiplier), so clocks need not agree. Receiving late can only make a peer live
 * longer here, never die early, which is what the lease of the sender relies on.
 */
import { BucketSet } from "../ownership/bucket_set.ts";
import type { Millis } from "../ports.ts";
import type { Heartbeat } from "../wire/heartbeat.ts";
import { membersMax } from "../limits.ts";
import { Peer } from "./peer.ts";

/** Sequence numbers of starts that are gone are remembered, so that their recordings stay dead. */
const tombstonesMax = 512;

interface Tombstone {
  /** Only heartbeats above it count: Infinity where that start can never come back. */
  readonly sequence: number;
  readonly met: boolean;
  /** Our own newest sequence then: only an echo of a later one is no recording. */
  readonly ownSequence: number;
}

export type Hearing =
  | { readonly kind: "new" | "update" | "again"; readonly peer: Peer }
  | { readonly kind: "refused"; readonly reason: "own datagram" | "replayed" | "too many members" };

export class Membership {
  readonly #peers = new Map<string, Peer>();
  readonly #tombstones = new Map<string, Tombstone>();
  /** This process was not run until then: who does not hear it since then need not be deaf. */
  #silentUntil: Millis = -Infinity;
  #newestAt: Millis = -Infinity;
  /** null: somebody came or went. (A start never changes its name.) */
  #sorted: readonly Peer[] | null = null;

  constructor(
    readonly self: { readonly name: string; readonly incarnation: string },
    readonly multiplier: number,
    readonly interfaces: number,
    /** This node's newest sequence number. */
    readonly pulse: { readonly sequence: number },
  ) {}

  hear(incarnation: string, heartbeat: Heartbeat, interfaceIndex: number, now: Millis): Hearing {
    if (incarnation === this.self.incarnation) return { kind: "refused", reason: "own datagram" };
    const peer = this.#peers.get(incarnation);
    if (peer === undefined) {
      const tombstone = this.#tombstones.get(incarnation);
      if (heartbeat.sequence <= (tombstone?.sequence ?? -1)) {
        return { kind: "refused", reason: "replayed" };
      }
      if (this.#peers.size >= membersMax - 1) {
        return { kind: "refused", reason: "too many members" };
      }
      const added = new Peer(incarnation, heartbeat, this.interfaces, now, BucketSet.empty());
      added.met = tombstone?.met ?? false;
      added.echoAbove = tombstone?.ownSequence ?? -1;
      added.firstHeardAfter = this.pulse.sequence;
      added.heard(heartbeat, interfaceIndex, this.self.incarnation, now);
      this.#peers.set(incarnation, added);
      this.#sorted = null;
      this.#newestAt = now;
      return { kind: "new", peer: added };
    }
    if (heartbeat.sequence <= peer.heartbeat.sequence) {
      // The same heartbeat comes by every interface, and they are not read at the same time.
      return peer.alsoHeardOn(interfaceIndex, heartbeat.sequence, now)
        ? { kind: "again", peer }
        : { kind: "refused", reason: "replayed" };
    }
    peer.heard(heartbeat, interfaceIndex, this.self.incarnation, now);
    return { kind: "update", peer };
  }

  /** A heartbeat that has been read came by one more interface; false: by this one, too, before. */
  hearAgain(peer: Peer, interfaceIndex: number, now: Millis): boolean {
    return peer.alsoHeardOn(interfaceIndex, peer.heartbeat.sequence, now);
  }

  /** Forgets the peers that are gone; each is returned once, with the reason. */
  expire(
    now: Millis,
  ): { readonly peer: Peer; readonly reason: "silent" | "left" | "restarted" }[] {
    const gone: { peer: Peer; reason: "silent" | "left" | "restarted" }[] = [];
    const hasNamesakes = this.heard().some((peer, i, all) => peer.name === all[i - 1]?.name);
    for (const peer of this.#peers.values()) {
      const reason = peer.heartbeat.state === "left"
        ? "left"
        : now >= this.diesAt(peer)
        ? "silent"
        : hasNamesakes && this.#isSuperseded(peer)
        ? "restarted"
        : null;
      if (reason === null) continue;
      this.#peers.delete(peer.incarnation);
      this.#sorted = null;
      const sequence = reason === "silent" ? peer.heartbeat.sequence : Infinity;
      this.#bury(peer, { sequence, met: peer.met, ownSequence: this.pulse.sequence });
      gone.push({ peer, reason });
    }
    return gone;
  }

  /** When a start was last heard that was not heard before, or not any more. */
  get newestAt(): Millis {
    return this.#newestAt;
  }

  /** When the peer's silence will have lasted too long. */
  diesAt(peer: Peer): Millis {
    return peer.lastHeard + peer.detectionMs(this.multiplier);
  }

  /**
   * A later start of the same node ends the earlier one. The last words of an earlier one may be heard
   * after the first ones of a later one; but only that has heard what this node sent when it had heard
   * the other.
   */
  #isSuperseded(peer: Peer): boolean {
    const all = [...this.#peers.values()]; // in the order in which they were first heard
    return all.slice(all.indexOf(peer) + 1).some((other) =>
      other.name === peer.name && other.confirmed && other.ackedSequence > peer.firstHeardAfter
    );
  }

  #bury(peer: Peer, tombstone: Tombstone): void {
    this.#tombstones.set(peer.incarnation, tombstone);
    if (this.#tombstones.size > tombstonesMax) {
      this.#tombstones.delete(this.#tombstones.keys().next().value!);
    }
  }

  /**
   * This process did not run for a while, so the silence of the others is not their fault: each gets
   * a new term. (What they sent meanwhile waits in the sockets, or was never received.)
   */
  excuse(now: Millis): void {
    for (const peer of this.#peers.values()) peer.lastHeard = now;
    this.#silentUntil = now;
  }

  /** All that were heard within their term, confirmed or not, by name. */
  heard(): readonly Peer[] {
    this.#sorted ??= [...this.#peers.values()]
      .sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
    return this.#sorted;
  }

  /**
   * Those that may take over while this node hears them: they are no recordings, since they have
   * echoed this start at some time, though perhaps they do not hear it now.
   */
  met(): Peer[] {
    return this.heard().filter((peer) => peer.met);
  }

  /**
   * A peer that says it hears neither this node nor another that is no recording (though this node may
   * not hear that one), while this node and a third have spoken for long enough to be heard by it.
   */
  isDeaf(peer: Peer, now: Millis): boolean {
    const hearsAnybody = peer.heartbeat.peers.some(({ incarnation }) =>
      incarnation === this.self.incarnation ||
      (this.#peers.get(incarnation) ?? this.#tombstones.get(incarnation))?.met
    );
    const { intervalMs } = peer.heartbeat;
    return !hearsAnybody &&
      now - this.#silentUntil >= peer.detectionMs(this.multiplier) + intervalMs &&
      this.live().some((third) =>
        third !== peer &&
        now - third.heardSince >= third.detectionMs(this.multiplier) + intervalMs
      );
  }

  /** Those that count: they hear this node, too. */
  live(): Peer[] {
    return this.heard().filter((peer) => peer.confirmed);
  }

  byIncarnation(incarnation: string): Peer | null {
    return this.#peers.get(incarnation) ?? null;
  }

  /** This node and the peers with which hearing is mutual now. */
  groupSize(sentAt: (sequence: number) => Millis, detectionMs: number, now: Millis): number {
    return 1 +
      this.live().filter((peer) =>
        peer.ackedSequence >= 0 && sentAt(peer.ackedSequence) + detectionMs > now
      ).length;
  }
}
