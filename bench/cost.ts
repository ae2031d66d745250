/**
 * What a daemon costs when nothing happens: N real daemons at 100 ms on one switch, two interfaces
 * each, without traffic.
 *
 *     ./dev bench cost [--nodes 2,4,8,16] [--seconds 20] [--warm 60] [--json]
 *
 * Goal: the core's thread takes at most 1% of a core with 16 nodes. Sending over veth delivers to all
 * receivers in the sender's own system call: what the kernel does for 2 (N - 1) receivers is in each
 * sender's time here, as it would be in the receivers' on machines of their own.
 */
import { median } from "./statistics.ts";
import { interruptible } from "./interruptible.ts";
import { hasFlag, numberOption, numbersOption } from "./options.ts";
import { daemonTime, timeBetween } from "./threads.ts";
import { WideLab, type WideNode } from "./cost/wide_lab.ts";

const intervalMs = 100;
const goalPercent = 1;
const goalNodes = 16;

interface Row {
  readonly nodes: number;
  /** Of one core, by thread of one daemon: the middle of all daemons, and the greatest. */
  readonly corePercent: number;
  readonly corePercentMax: number;
  readonly mainPercent: number;
  readonly restPercent: number;
  /** Frames that reach a daemon; without traffic almost all are heartbeats, once by each interface. */
  readonly framesPerSecond: number;
  /** How often the core's thread was run. */
  readonly wakingsPerSecond: number;
  /** How long the core's thread waited for a processor when it was to run: mean. */
  readonly waitMs: number;
}

const counts = numbersOption("nodes", [2, 4, 8, 16]);
const seconds = numberOption("seconds", 20);
/** Until the just-in-time compiler has seen often enough what happens when nothing happens. */
const warmUpMs = 1000 * numberOption("warm", 60);
const rows: Row[] = [];
await interruptible(async () => {
  for (const nodes of counts) {
    const lab = await WideLab.start(nodes, { intervalMs, multiplier: 3 });
    await pause(warmUpMs);
    rows.push(await measure(lab.nodes));
    await lab.remove();
  }
  const missed = rows.some((row) => row.nodes <= goalNodes && row.corePercent > goalPercent);
  if (hasFlag("json")) {
    console.log(JSON.stringify({ schema: 1, intervalMs, seconds, rows, missed }));
  } else print(missed);
  return missed;
}, () => WideLab.removeAll());

async function measure(nodes: readonly WideNode[]): Promise<Row> {
  const read = () =>
    Promise.all(nodes.map(async (node) => ({
      time: await daemonTime(node.pid),
      frames: await framesOf(node),
      at: performance.now(),
    })));
  const before = await read();
  await pause(seconds * 1000);
  const after = await read();
  const each = after.map(({ time, frames, at }, i) => {
    const ms = at - before[i].at;
    const { core, main, rest } = timeBetween(before[i].time, time);
    return {
      core: 100 * core.cpuMs / ms,
      main: 100 * main.cpuMs / ms,
      rest: 100 * rest.cpuMs / ms,
      frames: 1000 * (frames - before[i].frames) / ms,
      wakings: 1000 * core.runs / ms,
      wait: core.waitMs / core.runs,
    };
  });
  const of = (pick: (one: typeof each[number]) => number) => median(each.map(pick));
  return {
    nodes: nodes.length,
    corePercent: of(({ core }) => core),
    corePercentMax: Math.max(...each.map(({ core }) => core)),
    mainPercent: of(({ main }) => main),
    restPercent: of(({ rest }) => rest),
    framesPerSecond: of(({ frames }) => frames),
    wakingsPerSecond: of(({ wakings }) => wakings),
    waitMs: of(({ wait }) => wait),
  };
}

/** proc_pid_net(5), dev: received packets of the two interfaces. */
async function framesOf(node: WideNode): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${node.pid}/net/dev`);
  return text.split("\n").reduce((sum, line) => {
    const match = /^\s*(share|sync):\s*\d+\s+(\d+)/.exec(line);
    return match === null ? sum : sum + Number(match[2]);
  }, 0);
}

function print(missed: boolean): void {
  console.log(
    `heartbeats every ${intervalMs} ms, ${seconds} s each; percent of one core per daemon`,
  );
  const heads = [
    "nodes",
    "core",
    "(worst)",
    "main",
    "rest",
    "frames/s",
    "us/frame",
    "wakings/s",
    "waits ms",
  ];
  console.log(heads.map((head) => head.padStart(10)).join(""));
  for (const row of rows) {
    const microseconds = row.corePercent * 10_000 / row.framesPerSecond;
    const cells = [
      String(row.nodes),
      ...[row.corePercent, row.corePercentMax, row.mainPercent, row.restPercent]
        .map((percent) => percent.toFixed(2)),
      row.framesPerSecond.toFixed(0),
      microseconds.toFixed(0),
      row.wakingsPerSecond.toFixed(0),
      row.waitMs.toFixed(3),
    ];
    console.log(cells.map((cell) => cell.padStart(10)).join(""));
  }
  console.log(
    `${missed ? "MISS" : "PASS"}: at most ${goalPercent}% for the core's thread with up to ` +
      `${goalNodes} nodes`,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
