/** The log on standard error: text for people at a terminal, JSON lines for everything else. */
import { Log, type LogLevel, type LogOutput } from "../log.ts";

export function standardErrorLog(level: LogLevel = "info"): Log {
  const isTerminal = Deno.stderr.isTerminal();
  const encoder = new TextEncoder();
  const output: LogOutput = {
    write(line) {
      const bytes = encoder.encode(line + "\n");
      try {
        for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
      } catch {
        // A reader that went away or is full must not stop the daemon.
      }
    },
    timeOfDay: () => {
      const time = new Date().toISOString();
      return isTerminal ? time.slice(11, 23) : time;
    },
    now: () => performance.now(),
  };
  return new Log({ level, format: isTerminal ? "text" : "json", output });
}
