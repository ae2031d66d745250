/**
 * One entry of the systemd journal in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): for each
 * field `NAME=value` and a line end, or, where the value has line ends of its own, the name, a line
 * end, the value's length as a little-endian u64, the value and a line end.
 */
import { type LogLevel, type LogRecord, wordsOf } from "./log.ts";

/** What every entry of a daemon carries besides. */
export interface JournalSource {
  readonly node: string;
  readonly cluster: string;
}

/** Severities of syslog(3). */
const priorities: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

/** Names have so many characters at most; the journal drops fields with longer ones. */
const nameLengthMax = 64;

/**
 * A log record as the journal takes it. `AVAIL_EVENT` is the event's name, and each field of the record
 * is one of its own: `lateMs` is `AVAIL_LATE_MS`.
 */
export function journalEntry(record: LogRecord, source: JournalSource): Uint8Array<ArrayBuffer> {
  const { level, message, fields } = record;
  const { event, ...others } = fields;
  const own = Object.entries(others).filter(([, value]) => value !== null)
    .map(([key, value]) => [fieldName(key), String(value)] as const);
  return encode([
    ["MESSAGE", wordsOf(message, others)],
    ["PRIORITY", String(priorities[level])],
    ["SYSLOG_IDENTIFIER", "avail"],
    ...(event === undefined ? [] : [["AVAIL_EVENT", String(event)] as const]),
    ["AVAIL_THIS_NODE", source.node],
    ["AVAIL_CLUSTER", source.cluster],
    ...own,
  ]);
}

/** `lateMs` is `AVAIL_LATE_MS`; only capital letters, digits and underscores are allowed. */
function fieldName(key: string): string {
  const words = key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9]+/g, "_");
  return `AVAIL_${words.toUpperCase()}`.slice(0, nameLengthMax);
}

function encode(fields: readonly (readonly [name: string, value: string])[]) {
  const encoder = new TextEncoder();
  const parts = fields.flatMap(([name, text]) => {
    if (!text.includes("\n")) return [encoder.encode(`${name}=${text}\n`)];
    const value = encoder.encode(text);
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(value.length), true);
    return [encoder.encode(`${name}\n`), length, value, encoder.encode("\n")];
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
