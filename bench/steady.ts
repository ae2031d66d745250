/**
 * Whether a cluster that has to be quick stays calm on a machine that is busy: three daemons at 10 ms x 3,
 * with the priorities that the program gives itself, beside busy loops of normal priority on all
 * processors. Nothing fails, so every death, lost lease and given-up bucket in the logs is false.
 *
 *     ./dev bench steady [--minutes 10] [--interval 10] [--multiplier 3] [--json]
 *
 * It fails where one was taken for dead or gave its buckets up. A lease that lapses for less than two intervals
 * moves nothing; it is a pause of that node, and is counted beside. Bare timers in real time run on all
 * processors: while one of them is as late as what is left of a lease when it runs low, the machine did not run
 * what was on that processor (a guest whose host was busy, say). What happened within a second of that is
 * counted apart: no priority helps there, only a longer detection time.
 */
import { Lab } from "../cli/demo/lab.ts";
import { type BareTimerReport, bareTimers } from "./bare_timer.ts";
import { interruptible } from "./interruptible.ts";
import { hasFlag, numberOption } from "./options.ts";
import { startAndSettle } from "./settle.ts";
import { daemonTime, timeBetween } from "./threads.ts";

const failovers = ["peer-dead", "forfeited"];
const falseEvents = [...failovers, "lease-lost"];
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
/** What is left of a lease when a node hurries to renew it. */
const stallMs = detectionMs / 4;

const loops: Deno.ChildProcess[] = [];
const timersEnd = new AbortController();
const lab = await Lab.create({ intervalMs, multiplier });
await interruptible(async () => {
  await startAndSettle(lab);
  await pause(5000); // until the daemons have compiled what they do all the time
  for (let i = 0; i < navigator.hardwareConcurrency; i++) loops.push(busyLoop());
  const before = await times();
  const fromMs = Date.now();
  const timers = await bareTimers({
    periodMs: intervalMs,
    forMs: minutes * 60_000,
    tellAboveMs: stallMs,
  }, timersEnd.signal);
  const toMs = Date.now();
  const after = await times();
  const events = (await logEvents()).filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  return report(events, timers, after.map((time, i) => timeBetween(before[i], time)));
}, async () => {
  for (const loop of loops.splice(0)) loop.kill("SIGKILL");
  timersEnd.abort();
  await lab.remove();
});

/** True where something was taken for dead that was not. */
function report(
  events: readonly LogEvent[],
  timers: readonly BareTimerReport[],
  spent: readonly Awaited<ReturnType<typeof daemonTime>>[],
): boolean {
  const wrong = events.filter(({ event }) => falseEvents.includes(event));
  // The logs tell the time of day, the timer the time since boot.
  const bootAtMs = Date.now() - bootTimeMs();
  const stalls = timers.flatMap(({ late }) => late);
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
    stallMs,
    timers: timers.map(({ late, ...timer }) => ({ ...timer, late: late.length })),
    tellsOfLateness: { count: late.length, maxMs: Math.max(0, ...late) },
    core: { meanWaitMs: waitMs, percent: corePercent },
  };
  if (hasFlag("json")) console.log(JSON.stringify(result));
  else print(result);
  return wrong.some(({ event }) => failovers.includes(event));
}

function print(result: {
  readonly falseEvents: Readonly<Record<string, number>>;
  readonly explainedByStalls: number;
  readonly stalls: number;
  readonly stallMs: number;
  readonly timers: readonly Omit<BareTimerReport, "late">[];
  readonly tellsOfLateness: { readonly count: number; readonly maxMs: number };
  readonly core: { readonly meanWaitMs: readonly number[]; readonly percent: readonly number[] };
}): void {
  const { timers, core, tellsOfLateness } = result;
  const list = (values: readonly number[], digits: number) =>
    values.map((value) => value.toFixed(digits)).join(" ");
  console.log(
    `detection ${intervalMs} ms x ${multiplier}, ${minutes} minutes, all processors busy`,
  );
  timers.forEach(({ scheduling, p50Ms, p99Ms, maxMs }, i) =>
    console.log(
      `bare timer on processor ${i} (${scheduling}): late p50 ${p50Ms.toFixed(2)}, p99 ` +
        `${p99Ms.toFixed(2)}, max ${maxMs.toFixed(1)} ms`,
    )
  );
  console.log(`stalls of the machine, by ${result.stallMs} ms or more: ${result.stalls}`);
  console.log(
    `the cores' threads: ${list(core.percent, 1)}% of a processor, waited ` +
      `${
        list(core.meanWaitMs, 3)
      } ms for it on average, told ${tellsOfLateness.count} times that ` +
      `they were late, by ${tellsOfLateness.maxMs} ms at most`,
  );
  const counts = Object.entries(result.falseEvents);
  const isSteady = failovers.every((name) => result.falseEvents[name] === 0);
  console.log(
    `${isSteady ? "PASS" : "MISS"}: ${counts.map(([name, n]) => `${name} ${n}`).join(", ")}; ` +
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
