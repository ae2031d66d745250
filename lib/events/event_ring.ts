/** The newest events of a node, as many as the bounds allow. */
import { eventFieldsMax, eventsAnswerBytesMax, eventsKeptMax, eventTextMax } from "../limits.ts";
import { type LogFields, type LogLevel, logLevels, type LogRecord } from "../log.ts";
import type { Events, EventsQuery, NodeEvent } from "./event.ts";

/** How often an event came, since the daemon's start. */
export interface EventCount {
  readonly event: string;
  readonly level: LogLevel;
  readonly count: number;
}

export class EventRing {
  readonly #node: string;
  readonly #run: string;
  readonly #kept: NodeEvent[] = [];
  readonly #keptMax: number;
  /** By event and level; both come from this program's own source, so that they are few. */
  readonly #counts = new Map<string, EventCount>();
  #newest = 0;

  /** @param run Names this run of the daemon, 16 hexadecimal digits. */
  constructor(node: string, run: string, keptMax = eventsKeptMax) {
    this.#node = node;
    this.#run = run;
    this.#keptMax = keptMax;
  }

  /** Takes a record of the log; its field `event` is the event's name. */
  take({ time, level, message, fields: { event = "log", ...fields } }: LogRecord): void {
    const name = String(event);
    this.#kept.push({
      id: ++this.#newest,
      time,
      level,
      event: name,
      message: clip(message),
      fields: bounded(fields),
    });
    if (this.#kept.length > this.#keptMax) this.#kept.shift();
    const key = `${name} ${level}`;
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { event: name, level, count });
  }

  /** How often each event came, sorted by name. */
  get counts(): EventCount[] {
    return [...this.#counts.keys()].sort().map((key) => this.#counts.get(key)!);
  }

  /** The events that are asked for, as many of them as one answer can carry. */
  answer({ run, after = 0, since = "", level = "debug", last }: EventsQuery): Events {
    const from = run === undefined || run === this.#run ? after : 0;
    const oldest = this.#kept.at(0)?.id ?? this.#newest + 1;
    // Times of one form compare as their texts do.
    const wanted = this.#kept.filter((event) =>
      event.id > from && logLevels.indexOf(event.level) >= logLevels.indexOf(level) &&
      event.time >= since
    );
    const asked = last === undefined ? wanted : wanted.slice(Math.max(0, wanted.length - last));
    const events = asked.slice(0, countThatFits(asked));
    const more = events.length < asked.length;
    return {
      schema: 1,
      node: this.#node,
      run: this.#run,
      events,
      next: more ? events.at(-1)!.id : this.#newest,
      more,
      lost: from > 0 ? Math.max(0, oldest - 1 - from) : 0,
    };
  }
}

/** How many of these fit one answer, at least one. */
function countThatFits(events: readonly NodeEvent[]): number {
  const encoder = new TextEncoder();
  let bytes = 0;
  for (const [i, event] of events.entries()) {
    bytes += encoder.encode(JSON.stringify(event)).length + 1;
    if (bytes > eventsAnswerBytesMax) return Math.max(1, i);
  }
  return events.length;
}

function bounded(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).slice(0, eventFieldsMax)
      .map(([key, value]) => [key, typeof value === "string" ? clip(value) : value]),
  );
}

function clip(text: string): string {
  return text.length <= eventTextMax ? text : `${text.slice(0, eventTextMax - 1)}…`;
}
