/**
 * Whether a cluster that has to be quick stays calm on a machine that is busy: three daemons at 10 ms x 3,
 * with the priorities that the program gives itself, beside busy loops of normal priority on all
 * processors. Nothing fails, so every death, lost lease and given-up bucket in the logs is a false one.
 *
 *     ./dev bench steady [--minutes 10] [--interval 10] [--multiplier 3] [--json]
 *
 * A bare timer in real time runs beside: while it is as late as half a detection time, nothing on the
 * machine was run (a guest whose host was busy, say). What happened within a second of that is counted
 * apart: no priority helps there, only a longer detection time.
 */
import { Lab } from "../cli/demo/lab.ts";
import type { BareTimerOrder, BareTimerReport } from "./bare_timer.ts";
import { hasFlag, numberOption } from "./options.ts";
import { startAndSettle } from "./settle.ts";
import { daemonTime, timeBetween } from "./threads.ts";

const falseEvents = ["peer-dead", "lease-lost", "forfeited"] as const;
/** What follows from one stall is told within this time. */
const aftermathMs = 1000;

interface LogEvent {
  readonly node: string;
  /** Of the day (Unix). */
  readonly atMs: number;
  readonly event: string;
  readonly lateMs: number | null;
}

const minutes = numberOption("minutes", 10);
const intervalMs = numberOption("interval", 10);
const multiplier = numberOption("multiplier", 3);
const detectionMs = intervalMs * multiplier;

const loops: Deno.ChildProcess[] = [];
const lab = await Lab.create({ intervalMs, multiplier });
const end = async () => {
  for (const loop of loops.splice(0)) loop.kill("SIGKILL");
  await lab.remove();
};
Deno.addSignalListener("SIGINT", () => void end().then(() => Deno.exit(130)));
let failed = true;
try {
  await startAndSettle(lab);
  await pause(5000); // until the daemons have compiled what they do all the time
  for (let i = 0; i < navigator.hardwareConcurrency; i++) loops.push(busyLoop());
  const before = await times();
  const fromMs = Date.now();
  const timer = await bareTimer({
    periodMs: intervalMs,
    forMs: minutes * 60_000,
    tellAboveMs: detectionMs / 6,
  });
  const toMs = Date.now();
  const after = await times();
  const events = (await logEvents()).filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  failed = report(events, timer, after.map((time, i) => timeBetween(before[i], time)));
} finally {
  await end();
}
Deno.exit(failed ? 1 : 0);

/** True where something was taken for dead that was not. */
function report(
  events: readonly LogEvent[],
  timer: BareTimerReport,
  spent: readonly Awaited<ReturnType<typeof daemonTime>>[],
): boolean {
  const wrong = events.filter(({ event }) => falseEvents.some((name) => name === event));
  // The logs tell the time of day, the timer the time since boot.
  const bootAtMs = Date.now() - bootTimeMs();
  const stalls = timer.late.filter(({ lateMs }) => lateMs >= detectionMs / 2);
  const isStalled = ({ atMs }: LogEvent) =>
    stalls.some(({ dueMs }) => {
      const after = atMs - (bootAtMs + dueMs);
      return after >= 0 && after < aftermathMs;
    });
  const explained = wrong.filter(isStalled).length;
  const late = events.flatMap(({ lateMs }) => lateMs === null ? [] : [lateMs]);
  const counts = Object.fromEntries(
    falseEvents.map((name) => [name, wrong.filter(({ event }) => event === name).length]),
  );
  const waitMs = spent.map(({ core }) => core.waitMs / core.runs);
  const corePercent = spent.map(({ core }) => core.cpuMs / (minutes * 600));
  const result = {
    schema: 1,
    minutes,
    intervalMs,
    multiplier,
    falseEvents: counts,
    explainedByStalls: explained,
    stalls: stalls.length,
    timer: { ...timer, late: timer.late.length },
    tellsOfLateness: { count: late.length, maxMs: Math.max(0, ...late) },
    core: { meanWaitMs: waitMs, percent: corePercent },
  };
  if (hasFlag("json")) console.log(JSON.stringify(result));
  else print(result);
  return wrong.length > 0;
}

function print(result: {
  readonly falseEvents: Readonly<Record<string, number>>;
  readonly explainedByStalls: number;
  readonly stalls: number;
  readonly timer: { readonly scheduling: string; p50Ms: number; p99Ms: number; maxMs: number };
  readonly tellsOfLateness: { readonly count: number; readonly maxMs: number };
  readonly core: { readonly meanWaitMs: readonly number[]; readonly percent: readonly number[] };
}): void {
  const { timer, core, tellsOfLateness } = result;
  const list = (values: readonly number[], digits: number) =>
    values.map((value) => value.toFixed(digits)).join(" ");
  console.log(
    `detection ${intervalMs} ms x ${multiplier}, ${minutes} minutes, all processors busy`,
  );
  console.log(
    `bare timer (${timer.scheduling}): late p50 ${timer.p50Ms.toFixed(2)}, p99 ` +
      `${timer.p99Ms.toFixed(2)}, max ${timer.maxMs.toFixed(1)} ms; ${result.stalls} times by ` +
      `${detectionMs / 2} ms or more`,
  );
  console.log(
    `the cores' threads: ${list(core.percent, 1)}% of a processor, waited ` +
      `${
        list(core.meanWaitMs, 3)
      } ms for it on average, told ${tellsOfLateness.count} times that ` +
      `they were late, by ${tellsOfLateness.maxMs} ms at most`,
  );
  const counts = Object.entries(result.falseEvents);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  console.log(
    `${total === 0 ? "PASS" : "MISS"}: ${counts.map(([name, n]) => `${name} ${n}`).join(", ")}; ` +
      `${result.explainedByStalls} of them within a second of a stall of the machine`,
  );
}

/** A process that computes, at normal priority, until it is killed. */
function busyLoop(): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "for (;;);"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

function bareTimer(order: BareTimerOrder): Promise<BareTimerReport> {
  const worker = new Worker(new URL("./bare_timer.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<BareTimerReport>();
  worker.onmessage = ({ data }: MessageEvent<BareTimerReport>) => {
    worker.terminate();
    resolve(data);
  };
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage(order);
  return promise;
}

function times() {
  return Promise.all(lab.nodes.map((node) => daemonTime(node.pid!)));
}

async function logEvents(): Promise<LogEvent[]> {
  const all = await Promise.all(lab.nodes.map(async (node) => {
    const lines = (await Deno.readTextFile(node.logFile)).split("\n");
    return lines.filter((line) => line.startsWith("{")).map((line): LogEvent => {
      const { time, event, lateMs } = JSON.parse(line);
      return {
        node: node.name,
        atMs: Date.parse(time),
        event: event ?? "",
        lateMs: lateMs ?? null,
      };
    });
  }));
  return all.flat();
}

/** CLOCK_BOOTTIME, well enough to compare with a log. */
function bootTimeMs(): number {
  return parseFloat(Deno.readTextFileSync("/proc/uptime")) * 1000;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
