/**
 * With `partition = "majority"`: whether a majority agrees that nobody else holds what this node is about
 * to take, although this node and that other may not hear each other.
 *
 * Intuition: a lease needs acknowledgements of a majority, none older than a detection time D. If at one
 * moment t there is a majority (this node among it) of which nobody has heard X for D, then X's lease was
 * not valid at t: two majorities share a node, and that one had acknowledged nothing of X's since t - D.
 * In this mode a lease that has ended once ends X's claims, so X does not hold them after t either.
 *
 * A supporter says whom it hears in its heartbeats, and says so for D after it has heard somebody for the
 * last time. So it has heard nobody unknown to us from the receipt of a heartbeat that names none until
 * the sending of a later one that names none, as long as no two of them in between were sent further
 * apart than D. When a heartbeat was sent is known from below: after that of ours which it acknowledges.
 */
import type { Millis } from "../ports.ts";
import type { Peer } from "./peer.ts";

/** While a supporter is known to have heard nobody that we do not hear. */
interface Span {
  readonly from: Millis;
  readonly to: Millis;
}

export class Quorum {
  readonly #spans = new Map<string, Span>();
  readonly #firstHeard = new Map<string, Millis>();
  /** Since when this node itself hears nobody else. */
  #since: Millis;

  /** `required`: nodes that are a majority, this one included. */
  constructor(readonly required: number, readonly detectionMs: number, startedAt: Millis) {
    // What a former start of this node has acknowledged is not known.
    this.#since = startedAt + detectionMs;
  }

  /**
   * A heartbeat came from a peer that hears this node. `ackedAt`: when the heartbeat of ours was sent
   * that it acknowledges; `isKnown`: whether this node hears that start, or is it.
   */
  heard(peer: Peer, ackedAt: Millis, isKnown: (incarnation: string) => boolean, now: Millis): void {
    const { incarnation } = peer;
    if (!this.#firstHeard.has(incarnation)) this.#firstHeard.set(incarnation, now);
    if (!peer.heartbeat.peers.every((other) => isKnown(other.incarnation))) {
      this.#spans.delete(incarnation);
      return;
    }
    const before = this.#spans.get(incarnation);
    const goesOn = before !== undefined && now - before.to < this.detectionMs;
    this.#spans.set(incarnation, { from: goesOn ? before.from : now, to: ackedAt });
  }

  /** A peer is not heard any more: it may be heard by others. */
  lost(incarnation: string, now: Millis): void {
    this.#firstHeard.delete(incarnation);
    this.#spans.clear();
    this.#since = Math.max(this.#since, now);
  }

  /** Whether there was such a moment, less than D ago, for this node and enough of `supporters`. */
  agrees(supporters: readonly { readonly incarnation: string }[], now: Millis): boolean {
    if (this.required === 1) return true;
    const spans = supporters.flatMap(({ incarnation }) => {
      const span = this.#spans.get(incarnation);
      if (span === undefined) return [];
      // An earlier start of it may have acknowledged what this one does not know.
      const from = Math.max(span.from, this.#firstHeard.get(incarnation)! + this.detectionMs);
      return [{ from, to: span.to }];
    });
    return spans.some(({ to: moment }) =>
      moment >= this.#since && now - moment < this.detectionMs &&
      spans.filter(({ from, to }) => from <= moment && moment <= to).length >= this.required - 1
    );
  }
}
