/**
 * The lease: until when this node may handle frames.
 *
 * Intuition: a peer takes over when it has not heard this node for a detection time D, counted from
 * receipt. It cannot have received what it acknowledges before that was sent. So until (send time of
 * what it acknowledged) + D it will not take over, whatever the network does, and that is how long
 * this node may go on; a guard covers the steps of the clock and of the kernel. The least of all
 * peers counts. A node that cannot be heard is therefore quiet before anybody steps in.
 *
 * A peer that heard this node to the last, and that this node does not hear any more, is left out just
 * before it would end the lease: it is dead, or the network is cut between the two. That is the one case
 * in which both may go on. One that did not is left out when it is counted as dead.
 */
import type { Millis } from "../ports.ts";

export interface LeasePeer {
  /** The newest of our heartbeats that it acknowledged was sent then; -Infinity: none was. */
  readonly ackedSentAt: Millis;
  readonly lastHeard: Millis;
  /** It hears nobody, though it should hear us and others. */
  readonly isDeaf: boolean;
}

export interface LeaseTerms {
  /** When this node's newest heartbeat was sent; -Infinity: none was. */
  readonly sentAt: Millis;
  readonly intervalMs: number;
  /** This node's own detection time, D: its interval times the multiplier. */
  readonly detectionMs: number;
  readonly guardMs: number;
  /** Nodes with which hearing is mutual, this one included. */
  readonly groupSize: number;
  /** How many nodes must have acknowledged, this one included. */
  readonly required: number;
  /** When our heartbeats were sent that any peers have acknowledged, be they among `peers` or not. */
  readonly acknowledged: readonly Millis[];
}

/**
 * How much the clocks of two machines may drift apart, in ms for each ms: adjusting slews each by at most
 * 500 ppm (MAXFREQ of the kernel's include/linux/timex.h), and no crystal is that far off.
 */
const driftMax = 0.001;

/**
 * How far a lease stays away from what the peers' clocks might say: two steps of the clock, at least 2 ms,
 * and what two clocks may drift apart in a detection time.
 */
export function guardOf(clockStepMs: number, detectionMs: number): number {
  return Math.max(2, 2 * clockStepMs) + driftMax * detectionMs;
}

/**
 * When the lease ends, given the ready and confirmed peers; never later than D - guard after the newest
 * heartbeat: somebody who hears this node, and whom it does not hear, counts from there.
 */
export function leaseUntil(peers: readonly LeasePeer[], terms: LeaseTerms, now: Millis): Millis {
  const termMs = terms.detectionMs - terms.guardMs;
  let until = terms.sentAt + termMs;
  for (const peer of peers) {
    if (heardUs(peer, terms) && now >= peer.lastHeard + patienceMs(terms)) continue;
    if (peer.isDeaf && terms.groupSize > 1) continue;
    until = Math.min(until, peer.ackedSentAt + termMs);
  }
  return Math.min(until, majorityUntil(terms));
}

/**
 * What it said last acknowledged what was new then. Of one that had already missed something the silence
 * proves less: it may be alive, have lost this node, and one of its heartbeats may be lost as well.
 */
function heardUs({ ackedSentAt, lastHeard }: LeasePeer, { intervalMs }: LeaseTerms): boolean {
  return lastHeard - ackedSentAt < 1.5 * intervalMs;
}

/** How long a peer's silence may last before it is left out. */
export function patienceMs(
  { detectionMs, intervalMs, guardMs }: Pick<LeaseTerms, "detectionMs" | "intervalMs" | "guardMs">,
): number {
  return detectionMs - intervalMs - guardMs;
}

/** Until when a majority stands behind the lease; Infinity where none is required. */
export function majorityUntil(
  { required, acknowledged, detectionMs, guardMs }: LeaseTerms,
): Millis {
  if (required <= 1) return Infinity;
  const newestFirst = acknowledged.toSorted((a, b) => b - a);
  return (newestFirst[required - 2] ?? -Infinity) + detectionMs - guardMs;
}
