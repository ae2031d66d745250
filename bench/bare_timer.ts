/**
 * A thread in real time on one processor that does nothing but wake up: how late it is, is the machine's own
 * lateness, which no program on it can mend. A program of its own: the order is its argument, in JSON, and
 * the report is what it prints.
 */
import { PollSet } from "../ffi/libc.ts";
import { now } from "../lib/host/clock.ts";
import { preferCore } from "../lib/host/scheduling.ts";

export interface BareTimerOrder {
  readonly periodMs: number;
  readonly forMs: number;
  /** Wakings that were later than this are told one by one. */
  readonly tellAboveMs: number;
}

export interface BareTimerReport {
  readonly scheduling: string;
  readonly wakings: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** When it should have been run (CLOCK_BOOTTIME), and how late it was. */
  readonly late: readonly { readonly dueMs: number; readonly lateMs: number }[];
}

/** One on each processor, side by side, until `signal` at most. */
export function bareTimers(order: BareTimerOrder, signal: AbortSignal): Promise<BareTimerReport[]> {
  const processors = Array.from({ length: navigator.hardwareConcurrency }, (_, i) => `${i}`);
  return Promise.all(processors.map(async (processor) => {
    const program = [Deno.execPath(), "run", "-A", new URL(import.meta.url).pathname];
    const { code, stdout } = await new Deno.Command("taskset", {
      args: ["--cpu-list", processor, ...program, JSON.stringify(order)],
      stderr: "inherit",
      signal,
    }).output();
    if (code !== 0) throw new Error(`the timer on processor ${processor} ended with ${code}`);
    return JSON.parse(new TextDecoder().decode(stdout));
  }));
}

function run({ periodMs, forMs, tellAboveMs }: BareTimerOrder): BareTimerReport {
  const scheduling = preferCore();
  const nothing = new PollSet([]);
  const lateness: number[] = [];
  const late: { dueMs: number; lateMs: number }[] = [];
  const endAt = now() + forMs;
  for (let dueMs = now() + periodMs; dueMs < endAt; dueMs = Math.max(dueMs, now()) + periodMs) {
    while (now() < dueMs) nothing.wait(Math.max(0, Math.ceil(dueMs - now())));
    const lateMs = now() - dueMs;
    lateness.push(lateMs);
    if (lateMs > tellAboveMs) late.push({ dueMs, lateMs });
  }
  lateness.sort((a, b) => a - b);
  const at = (part: number) => lateness[Math.floor(part * (lateness.length - 1))];
  return {
    scheduling,
    wakings: lateness.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    late,
  };
}

if (import.meta.main) console.log(JSON.stringify(run(JSON.parse(Deno.args[0]))));
