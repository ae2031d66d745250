/**
 * The log on standard error: text for people at a terminal, entries with fields where it is the systemd
 * journal, JSON lines for everything else.
 */
import { journalEntry, type JournalSource } from "../journal_entry.ts";
import { Log, type LogLevel, type LogOutput, type LogRecord } from "../log.ts";
import { isJournal, Journal } from "./journal.ts";

export interface LogOutputOptions {
  readonly level?: LogLevel;
  /** What every entry of the journal carries besides. */
  readonly source: JournalSource;
  /** Is given every record, too, with its time in ISO 8601. */
  readonly also?: (record: LogRecord) => void;
}

export function standardErrorLog({ level = "info", source, also }: LogOutputOptions): Log {
  const isTerminal = Deno.stderr.isTerminal();
  const journal = isJournal() ? new Journal() : null;
  let time = "";
  /** Records that found the journal full. */
  let dropped = 0;
  const output: LogOutput = {
    write(line, record) {
      also?.({ ...record, time });
      if (journal === null) return writeLine(line);
      const { fields } = record;
      const told = dropped === 0 ? record : { ...record, fields: { ...fields, dropped } };
      const outcome = journal.write(journalEntry(told, source));
      if (outcome === "full") dropped++;
      else dropped = 0;
      // Whoever has taken the journal's place reads standard error.
      if (outcome === "gone") writeLine(line);
    },
    timeOfDay: () => {
      time = new Date().toISOString();
      return isTerminal ? time.slice(11, 23) : time;
    },
    now: () => performance.now(),
  };
  return new Log({ level, format: isTerminal ? "text" : "json", output });
}

function writeLine(line: string): void {
  const bytes = new TextEncoder().encode(line + "\n");
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
  } catch {
    // A reader that went away or is full must not stop the daemon.
  }
}
