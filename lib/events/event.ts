/**
 * What has happened at a node, as `avail events` and the control socket tell it. The shapes are contracts
 * that scripts rely on: fields are added, never changed or removed.
 */
import type { LogFields, LogLevel } from "../log.ts";

export interface NodeEvent {
  /** Counts from 1 in each run of the daemon. */
  readonly id: number;
  /** ISO 8601, UTC, with milliseconds. */
  readonly time: string;
  readonly level: LogLevel;
  /** A stable name, such as `peer-dead`; `log` where it has none. */
  readonly event: string;
  /** A sentence for people; its words may change. */
  readonly message: string;
  readonly fields: LogFields;
}

/** Which events are wanted; all that are kept where nothing is said. */
export interface EventsQuery {
  /** The run that `after` belongs to; in another run it does not count. */
  readonly run?: string;
  /** Only events with greater ids. */
  readonly after?: number;
  /** As `time`; only events from then on. */
  readonly since?: string;
  /** Only those of this level, or a more serious one. */
  readonly level?: LogLevel;
  /** Only so many, the newest. */
  readonly last?: number;
}

/** An answer: events in their order. */
export interface Events {
  readonly schema: 1;
  readonly node: string;
  /** 16 hexadecimal digits, others in each run of the daemon. */
  readonly run: string;
  readonly events: readonly NodeEvent[];
  /** `after` of the next question: everything up to here was looked at. */
  readonly next: number;
  /** More is there already; ask again at once. */
  readonly more: boolean;
  /** So many events after `after` are not kept any more. */
  readonly lost: number;
}
