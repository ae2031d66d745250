/** Events as people read them. */
import type { NodeEvent } from "../lib/events/event.ts";
import { type LogLevel, wordsOf } from "../lib/log.ts";
import type { Style } from "./context.ts";
import type { SourceChange } from "./event_stream.ts";
import { type Colour, counted, pad, paint, plain } from "./render.ts";

const colours: Readonly<Record<LogLevel, Colour | null>> = {
  debug: "dim",
  info: null,
  warn: "yellow",
  error: "red",
};

/** The longest name that most events have. */
const nameColumns = 14;

/**
 * `2026-01-31 14:30:05.250 warn  peer-dead      fw2 is not heard any more  lastHeardMs=301`, in this
 * machine's time. Fields that only say again what the message says are left out.
 */
export function eventLine(event: NodeEvent, style: Style): string {
  const { time, level, message } = event;
  const words = message.split(/[\s:,;()]+/);
  const fields = Object.fromEntries(
    Object.entries(event.fields).filter(([, value]) => !words.includes(String(value))),
  );
  const colour = colours[level];
  const text = plain(wordsOf(message, fields));
  return [
    paint(localTime(new Date(time)), "dim", style),
    pad(level, 5),
    paint(pad(plain(event.event), nameColumns), "dim", style),
    colour === null ? text : paint(text, colour, style),
  ].join(" ");
}

/** What happened to the daemon that is asked, as a line beside the events. */
export function sourceChange(change: SourceChange, style: Style): string {
  const text = change.kind === "lost"
    ? `${counted(change.count, "event")} left out: they came faster than they were read`
    : change.kind === "restarted"
    ? "the daemon was restarted"
    : change.kind === "away"
    ? `${change.why}; waiting for it`
    : "the daemon answers again";
  return paint(`-- ${plain(text)}`, "dim", style);
}

function localTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${date} ${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}
