/** Reads an `events` request of the control socket. */
import { AvailError, exitCodes } from "../errors.ts";
import { logLevels } from "../log.ts";
import type { EventsQuery } from "./event.ts";

export type EventsRequest = { readonly command: "events" } & EventsQuery;

/** Reads the request; throws `AvailError` that says which field is wrong. */
export function parseEventsRequest(value: Readonly<Record<string, unknown>>): EventsRequest {
  const { run, after, since, level, last } = value;
  if (run !== undefined && !(typeof run === "string" && /^[0-9a-f]{16}$/.test(run))) {
    throw refuse("run", run, "give the run of an earlier answer");
  }
  if (after !== undefined && !isCount(after)) {
    throw refuse("after", after, "give an event's id, or 0");
  }
  if (last !== undefined && !isCount(last)) throw refuse("last", last, "give a whole number");
  if (since !== undefined && !(typeof since === "string" && isTime(since))) {
    throw refuse("since", since, "give a time such as 2026-01-31T12:00:00.000Z");
  }
  const known = logLevels.find((name) => name === level);
  if (level !== undefined && known === undefined) {
    throw refuse("level", level, `give ${logLevels.join(", ")}`);
  }
  return {
    command: "events",
    ...(run === undefined ? {} : { run }),
    ...(after === undefined ? {} : { after }),
    ...(since === undefined ? {} : { since }),
    ...(known === undefined ? {} : { level: known }),
    ...(last === undefined ? {} : { last }),
  };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** ISO 8601 in UTC with milliseconds, as `Date.prototype.toISOString` writes it. */
function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text);
}

function refuse(key: string, found: unknown, remedy: string): AvailError {
  const shown = (JSON.stringify(found) ?? "undefined").slice(0, 40);
  return new AvailError(`control request: events: ${key} ${shown}; ${remedy}`, {
    exitCode: exitCodes.usage,
  });
}
