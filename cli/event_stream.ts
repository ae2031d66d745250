/**
 * Events as they come: asked for again and again, which needs nothing of the daemon but short answers,
 * and survives its end: another run of it has other events, from the first one on.
 */
import type { Events, EventsQuery, NodeEvent } from "../lib/events/event.ts";
import { AvailError } from "../lib/errors.ts";
import { askNode, type NodeFlags } from "./client.ts";

/** What happened to the daemon that is asked, besides its events. */
export type SourceChange =
  | { readonly kind: "lost"; readonly count: number }
  | { readonly kind: "restarted" }
  | { readonly kind: "away"; readonly why: string }
  | { readonly kind: "back" };

export interface EventFollower {
  readonly query: EventsQuery;
  /** Go on until the signal or Ctrl-C. */
  readonly follow: boolean;
  readonly event: (event: NodeEvent, from: Events) => void;
  readonly change: (change: SourceChange) => void;
}

const lookEveryMs = 250;
/** Another node is asked through the cluster's own datagrams. */
const lookAtNodeEveryMs = 1000;

/** Tells what there is; with `follow`, what comes, for as long as the process lives. */
export async function followEvents(flags: NodeFlags, follower: EventFollower): Promise<void> {
  const everyMs = flags.node === undefined ? lookEveryMs : lookAtNodeEveryMs;
  let { query } = follower;
  let isAway = false;
  let isFirst = true;
  for (;;) {
    let answer: Events;
    try {
      answer = await askNode<Events>(flags, { command: "events", ...query });
    } catch (error) {
      if (isFirst || !follower.follow || !(error instanceof AvailError)) throw error;
      if (!isAway) follower.change({ kind: "away", why: error.message });
      isAway = true;
      await pause(everyMs);
      continue;
    }
    const isRestarted = query.run !== undefined && answer.run !== query.run;
    if (isRestarted) follower.change({ kind: "restarted" });
    else if (isAway) follower.change({ kind: "back" });
    isFirst = isAway = false;
    if (answer.lost > 0) follower.change({ kind: "lost", count: answer.lost });
    for (const event of answer.events) follower.event(event, answer);
    const { last: _, ...rest } = query;
    query = { ...rest, run: answer.run, after: answer.next };
    if (answer.more) continue;
    if (!follower.follow) return;
    await pause(everyMs);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
