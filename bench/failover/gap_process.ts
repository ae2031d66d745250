/**
 * Sends each pair of addresses a ping a millisecond through the cluster for a while, from one real-time
 * thread, and tells for how long at most the requests of a pair were not answered.
 *
 * It runs among the clients. The first argument is its order; it prints "ready", then its report.
 */
import { PollSet, useRealtimePriority } from "../../ffi/libc.ts";
import { now } from "../../lib/host/clock.ts";
import { preferCore } from "../../lib/host/scheduling.ts";
import { type PingPair, Pings } from "./pings.ts";

export interface GapOrder {
  readonly pairs: readonly PingPair[];
  readonly durationMs: number;
}

/** The longest time between two answered requests of one pair, of which some between were not. */
export interface GapReport {
  /** 0: all were answered. */
  readonly gapMs: number;
  /** Of it, how long this thread was not run: nothing was asked then. */
  readonly blindMs: number;
}

const periodMs = 1;
/** Answers that come later than this do not count. */
const lastAnswerMs = 500;
/** The first rounds warm this thread's code and the neighbour tables. */
const warmRounds = 500;

function watch({ pairs, durationMs }: GapOrder): GapReport {
  const pings = new Pings(pairs);
  const poll = new PollSet(pings.descriptors);
  const rounds = Math.min(65_536, Math.ceil(durationMs / periodMs));
  const sentAt = new Float64Array(rounds);
  const isAnswered = pairs.map(() => new Uint8Array(rounds));
  const take = () => pings.receive((pair, sequence) => isAnswered[pair][sequence] = 1);
  const startedAt = now();
  let dueMs = startedAt, round = 0;
  for (; round < rounds && now() < startedAt + durationMs; round++) {
    sentAt[round] = now();
    pairs.forEach((_, pair) => pings.send(pair, round));
    dueMs = Math.max(dueMs + periodMs, now() - 10 * periodMs);
    while (now() < dueMs) {
      poll.wait(Math.max(0, Math.ceil(dueMs - now())));
      take();
    }
  }
  const endAt = now() + lastAnswerMs;
  while (now() < endAt) {
    poll.wait(Math.max(0, Math.ceil(endAt - now())));
    take();
  }
  pings.close();
  const gaps = isAnswered.map((of) => longestGap(of, sentAt, round));
  return gaps.reduce((longest, gap) => gap.gapMs > longest.gapMs ? gap : longest);
}

function longestGap(isAnswered: Uint8Array, sentAt: Float64Array, rounds: number): GapReport {
  let gap: GapReport = { gapMs: 0, blindMs: 0 };
  for (let i = warmRounds, last = i; i < rounds; i++) {
    const isLast = i === rounds - 1;
    if (isAnswered[i] === 0 && !isLast) continue;
    const gapMs = sentAt[i] - sentAt[last];
    if ((i - last > 1 || isAnswered[i] === 0) && gapMs > gap.gapMs) {
      gap = { gapMs, blindMs: blindMs(sentAt, last, i) };
    }
    last = i;
  }
  return gap;
}

/** How long it was not run from one request to another, beyond twice the period. */
function blindMs(sentAt: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from + 1; i <= to; i++) sum += Math.max(0, sentAt[i] - sentAt[i - 1] - 2 * periodMs);
  return sum;
}

/** Above the nodes' own threads: what they do must not keep this one from asking. */
const realtimePriority = 20;

if (import.meta.main) {
  preferCore();
  useRealtimePriority(realtimePriority);
  console.log("ready");
  console.log(JSON.stringify(watch(JSON.parse(Deno.args[0]))));
}
