/**
 * Paths to this node: a live peer by one of the interfaces. One that fails costs nothing as long as
 * another one is left, so somebody has to be told of it. A change is news once, when it has lasted: where
 * much is lost, a path may seem dead for a moment, or alive.
 */
import type { CoreEvent } from "../node_types.ts";
import type { Millis } from "../ports.ts";
import { bitsOf, type Peer } from "./peer.ts";

/** How long a change must last, in detection times of the peer. */
const patience = 3;

interface Paths {
  /** What was told, and what is so now: interfaces on which the peer is missed, as bits. */
  told: number;
  now: number;
  /** Since when it has been so. */
  since: Millis;
}

export class PathNews {
  #paths = new Map<string, Paths>();
  #nextAt: Millis = -Infinity;

  /** `interfaces`: the shares, then the links. */
  constructor(
    readonly options: {
      readonly shares: number;
      readonly multiplier: number;
      readonly intervalMs: number;
    },
  ) {}

  /** Live peers; looked at once in an interval. */
  look(live: readonly Peer[], now: Millis): CoreEvent[] {
    if (now < this.#nextAt) return [];
    this.#nextAt = now + this.options.intervalMs;
    const before = this.#paths;
    this.#paths = new Map(live.map((peer) => {
      const missed = peer.missedOn(now - peer.detectionMs(this.options.multiplier));
      const paths = before.get(peer.incarnation) ?? { told: 0, now: missed, since: now };
      return [
        peer.incarnation,
        paths.now === missed ? paths : { ...paths, now: missed, since: now },
      ];
    }));
    return live.flatMap((peer) => this.#newsOf(peer, now));
  }

  #newsOf(peer: Peer, now: Millis): CoreEvent[] {
    const { multiplier, shares } = this.options;
    const paths = this.#paths.get(peer.incarnation)!;
    const changed = paths.now ^ paths.told;
    if (changed === 0 || now - paths.since < patience * peer.detectionMs(multiplier)) return [];
    paths.told = paths.now;
    return bitsOf(changed).map((i) =>
      newsOf(peer.name, placeOf(i, shares), (paths.now >> i & 1) === 1)
    );
  }
}

function newsOf(node: string, place: string, isMissed: boolean): CoreEvent {
  const fields = { node, interface: place };
  return isMissed
    ? { level: "warning", name: "path-lost", text: `${node} is not heard on ${place}`, fields }
    : { level: "info", name: "path-back", text: `${node} is heard on ${place} again`, fields };
}

/** In the terms of the core, which knows interfaces by their number: the shares, then the links. */
function placeOf(index: number, shares: number): string {
  return index < shares ? `share ${index}` : `link ${index - shares}`;
}
