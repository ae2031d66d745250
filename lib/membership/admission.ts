/**
 * Whether a joining node may go on: at once where members serve already, otherwise only after it has
 * listened, asked for the shared addresses, and met nobody who would answer for them, too.
 */
import type { Millis } from "../ports.ts";
import type { Peer } from "./peer.ts";

/** How long a stranger's datagram or an answered probe keeps a node from taking buckets. */
const conflictMs = 3000;
/** How often shared addresses are asked for while listening. */
const probeEveryMs = 700;

export type Verdict =
  | { readonly kind: "admitted" }
  /** Not yet; `probe`: ask for the shared addresses now. */
  | { readonly kind: "wait"; readonly reason: string; readonly probe: boolean };

export class Admission {
  #listenUntil: Millis;
  #nextProbe: Millis;
  #conflict = "";
  #conflictUntil: Millis = -Infinity;

  /** `probeFrom`: members of this cluster answer for the shared addresses; they are heard first. */
  constructor(readonly name: string, times: { listenUntil: Millis; probeFrom: Millis }) {
    this.#listenUntil = times.listenUntil;
    this.#nextProbe = times.probeFrom;
  }

  /** Listens until then at least. */
  listenUntil(time: Millis): void {
    this.#listenUntil = Math.max(this.#listenUntil, time);
  }

  /** Somebody may be answering for the shared addresses; true where that is news. */
  noteConflict(text: string, now: Millis): boolean {
    const isNew = this.#conflict !== text || now >= this.#conflictUntil;
    this.#conflict = text;
    this.#conflictUntil = now + conflictMs;
    return isNew;
  }

  /**
   * `heard`: all peers that are heard, confirmed or not. `unmet`: what a takeover in place waits for.
   */
  judge(heard: readonly Peer[], now: Millis, unmet: string | null = null): Verdict {
    const namesake = heard.find((peer) => peer.confirmed && peer.name === this.name);
    if (namesake !== undefined) return wait(`conflict: another node is named ${namesake.name}`);
    if (heard.some((peer) => peer.confirmed && isServing(peer))) return { kind: "admitted" };
    // From here on it would take buckets from nobody.
    if (unmet !== null) return wait(unmet);
    if (now < this.#conflictUntil) return wait(`conflict: ${this.#conflict}`);
    const deaf = heard.find(isServing);
    if (deaf !== undefined) {
      return wait(`conflict: ${deaf.name} is heard and does not hear this node`);
    }
    if (now >= this.#listenUntil) return { kind: "admitted" };
    const probe = now >= this.#nextProbe;
    if (probe) this.#nextProbe = now + probeEveryMs;
    return { kind: "wait", reason: "listening", probe };
  }

  /** When something may change by itself. */
  get nextAt(): readonly Millis[] {
    return [this.#listenUntil, this.#nextProbe, this.#conflictUntil];
  }
}

function wait(reason: string): Verdict {
  return { kind: "wait", reason, probe: false };
}

/** A peer that handles traffic, or may at any moment. */
function isServing(peer: Peer): boolean {
  return peer.heartbeat.state === "ready" || peer.heartbeat.state === "draining";
}
