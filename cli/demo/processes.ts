/**
 * The lab's processes: each is recorded in the lab's directory by its id and start time, so that
 * removing the lab ends exactly them, also from another process, and never one that got the id later.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { AvailError } from "../../lib/errors.ts";
import { waitUntil } from "./wait.ts";

/** A process that outlives this one: it has its own session, and its output goes to a file. */
export interface Detached {
  readonly pid: number;
  /** How it ended: an exit code or a signal's name; null while it runs. */
  readonly ended: () => number | string | null;
}

/** @param logFile Its standard output and error are appended there. */
export async function startDetached(
  directory: string,
  name: string,
  argv: readonly string[],
  logFile: string,
): Promise<Detached> {
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(argv[0], argv.slice(1), {
      detached: true,
      stdio: ["ignore", log, log],
    });
    let ended: number | string | null = null;
    child.on("exit", (code, signal) => ended = code ?? signal ?? "unknown");
    child.on("error", (error) => ended = error.message);
    child.unref();
    if (child.pid === undefined) throw new AvailError(`${argv.join(" ")}: cannot be started`);
    await record(directory, name, child.pid);
    return { pid: child.pid, ended: () => ended };
  } finally {
    closeSync(log);
  }
}

/** Notes a process for `endRecorded`; a later process of the same name takes its place. */
export async function record(directory: string, name: string, pid: number): Promise<void> {
  const started = (await readStat(pid))?.started;
  if (started === undefined) return; // Ended already: nothing to remember.
  await Deno.mkdir(`${directory}/pids`, { recursive: true });
  await Deno.writeTextFile(`${directory}/pids/${name}`, `${pid} ${started}\n`);
}

/** Kills every recorded process that still runs, with what it started, and waits for their end. */
export async function endRecorded(directory: string): Promise<void> {
  const running: number[] = [];
  for (const { pid, started } of await readRecords(directory)) {
    const stat = await readStat(pid);
    if (stat?.started !== started || stat.state === "Z") continue;
    killGroup(pid);
    running.push(pid);
  }
  await waitUntil("the lab's processes are gone", async () => {
    const left = [];
    for (const pid of running) if (await isRunning(pid)) left.push(pid);
    return left.length === 0 ? null : `processes ${left.join(", ")} are still there`;
  }, { timeoutMs: 10_000 });
}

/** Kills a process that was started with a session of its own, and all that it started. */
export function killGroup(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // Gone already.
  }
}

/** Whether a process exists and is more than an entry that waits for its parent. */
export async function isRunning(pid: number): Promise<boolean> {
  const stat = await readStat(pid);
  return stat !== null && stat.state !== "Z";
}

async function readRecords(directory: string): Promise<{ pid: number; started: string }[]> {
  const records = [];
  try {
    for await (const entry of Deno.readDir(`${directory}/pids`)) {
      const text = await Deno.readTextFile(`${directory}/pids/${entry.name}`);
      const [pid, started] = text.trim().split(" ");
      records.push({ pid: Number(pid), started });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return records;
}

/** State and start time (clock ticks since boot) of a process: proc_pid_stat(5), fields 3 and 22. */
async function readStat(pid: number): Promise<{ state: string; started: string } | null> {
  let text: string;
  try {
    text = await Deno.readTextFile(`/proc/${pid}/stat`);
  } catch {
    return null;
  }
  // The second field, the command's name, is in parentheses and may contain anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0], started: fields[19] };
}
