/**
 * The daemon's log: what is logged, how a record reads, and how often the same thing may be said.
 * Where the lines go and what time it is are given from outside (lib/host/log_output.ts).
 */

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof logLevels[number];

/** Values beside the message, in the order in which they shall be read. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface LogOutput {
  /** Takes one record: its line without the end, and what it was made of. */
  write(line: string, record: LogRecord): void;
  /** The time of day, as the record shall show it; asked once for each record, before `write`. */
  timeOfDay(): string;
  /** Milliseconds that only rise, for the rate. */
  now(): number;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "text" | "json";
  readonly output: LogOutput;
}

export class Log {
  readonly #options: LogOptions;
  readonly #rate = new RepeatLimiter();

  constructor(options: LogOptions) {
    this.#options = options;
  }

  debug(message: string, fields?: LogFields): void {
    this.write("debug", message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.write("info", message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.write("warn", message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.write("error", message, fields);
  }

  /**
   * For what may happen a thousand times a second: at most once a minute for each message, with the
   * number of times it was left out (`repeated`).
   */
  repeated(level: LogLevel, message: string, fields?: LogFields): void {
    const admitted = this.#rate.fieldsOf(message, fields ?? {}, this.#options.output.now());
    if (admitted !== null) this.write(level, message, admitted);
  }

  write(level: LogLevel, message: string, fields: LogFields = {}): void {
    const { format, output } = this.#options;
    if (logLevels.indexOf(level) < logLevels.indexOf(this.#options.level)) return;
    const record: LogRecord = { time: output.timeOfDay(), level, message, fields };
    output.write(format === "json" ? formatJson(record) : formatText(record), record);
  }
}

export interface LogRecord {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** `12:04:31.250 warn  fw2 is not heard any more  lastHeardMs=301` */
export function formatText({ time, level, message, fields }: LogRecord): string {
  return `${time} ${level.padEnd(5)} ${wordsOf(message, fields)}`;
}

/** `fw2 is not heard any more  lastHeardMs=301`, in one line. */
export function wordsOf(message: string, fields: LogFields): string {
  const words = Object.entries(fields).map(([key, value]) => `${key}=${quote(value)}`);
  return [oneLine(message), ...words].join("  ");
}

/** One JSON object; a field never overwrites `time`, `level` or `message`. */
export function formatJson({ time, level, message, fields }: LogRecord): string {
  return JSON.stringify({ ...fields, time, level, message });
}

function quote(value: LogFields[string]): string {
  return typeof value === "string" && !/^[\w.:/%+@-]+$/.test(value)
    ? JSON.stringify(value)
    : String(value);
}

/** What came from outside must not forge a line of its own, nor steer a terminal. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f]/g, (c) => JSON.stringify(c).slice(1, -1));
}

/** Lets each key through once in `periodMs` and counts what it holds back. */
export class RepeatLimiter {
  readonly #keys = new Map<string, { since: number; leftOut: number }>();

  /** With more keys than `keysMax`, the one that was let through longest ago is forgotten. */
  constructor(readonly periodMs = 60_000, readonly keysMax = 256) {}

  /**
   * The fields to tell it with, `repeated` among them where some were held back; null: hold it back.
   */
  fieldsOf<Fields extends LogFields>(
    key: string,
    fields: Fields,
    now: number,
  ): Fields | Fields & { readonly repeated: number } | null {
    const leftOut = this.admit(key, now);
    if (leftOut === null) return null;
    return leftOut === 0 ? fields : { ...fields, repeated: leftOut };
  }

  /** null: hold it back; else let it through, and so many were held back before it. */
  admit(key: string, now: number): number | null {
    const found = this.#keys.get(key);
    if (found && now - found.since < this.periodMs) {
      found.leftOut++;
      return null;
    }
    this.#keys.delete(key);
    this.#keys.set(key, { since: now, leftOut: 0 });
    if (this.#keys.size > this.keysMax) {
      this.#keys.delete(this.#keys.keys().next().value!);
    }
    return found?.leftOut ?? 0;
  }
}
