/** Readers of the words that `avail events` takes. */
import { type LogLevel, logLevels } from "../lib/log.ts";

/** Also the names that the journal and others have for them. */
const otherNames: Readonly<Record<string, LogLevel>> = {
  warning: "warn",
  err: "error",
  notice: "info",
};

export function readLevel(text: string): LogLevel {
  const name = text.toLowerCase();
  const level = logLevels.find((level) => level === name) ?? otherNames[name];
  if (level === undefined) throw new Error(`levels are ${logLevels.join(", ")}`);
  return level;
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * `10m`, `2h` (so long ago), `14:30` or `14:30:05` (today, or yesterday where that is still to come),
 * `2026-01-31`, `2026-01-31 14:30`: in this machine's time; ISO 8601 with `Z` or an offset: as it says.
 */
export function readSince(text: string, now = new Date()): Date {
  const ago = /^(\d{1,6})\s*(s|m|min|h|d)$/.exec(text);
  if (ago) return new Date(now.getTime() - Number(ago[1]) * unitMs[ago[2]]);
  const clock = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(text);
  if (clock) return lastTimeOf(clock, now) ?? refuse();
  const day = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)?)?$/;
  if (!day.test(text)) return refuse();
  // A date alone would be read as UTC (ECMA-262, 21.4.1.32).
  const full = text.length === 10 ? `${text}T00:00` : text.replace(" ", "T");
  const time = new Date(full);
  return Number.isNaN(time.getTime()) ? refuse() : time;
}

function lastTimeOf([, hours, minutes, seconds = "0"]: RegExpExecArray, now: Date): Date | null {
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return null;
  const time = new Date(now);
  time.setHours(Number(hours), Number(minutes), Number(seconds), 0);
  if (time > now) time.setDate(time.getDate() - 1);
  return time;
}

function refuse(): never {
  throw new Error("write so long ago (10m, 2h, 3d), a time (14:30) or a day (2026-01-31 14:30)");
}
