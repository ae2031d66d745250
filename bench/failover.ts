/**
 * How long traffic stands still when a node dies, hangs, comes back or is drained: gaps of pings, of
 * UDP flows and of TCP connections through a lab of three nodes, over several rounds.
 *
 *     ./dev bench failover [--runs 10] [--interval 100] [--multiplier 3]
 *     ./dev bench failover --kills 100 [--interval 100] [--multiplier 3] [--json]
 *     ./dev bench failover --moves 60 [--interval 100] [--multiplier 3] [--json]
 *
 * A gap is the longest silence of any flow in a step. It contains one period of that flow, and, at
 * worst, how late the measuring process itself was; both are printed, as is a steady interval of the
 * same run, which is what the machine does to traffic when nothing happens.
 *
 * With `--kills`, nodes die silently, one after another, without other traffic, and what is measured is
 * the time from the end of the detection time to the new owner's first packet (failover/kills.ts). With
 * `--moves`, nodes are drained and resumed in turn beside traffic, and what is measured is for how long
 * flows that move are not answered (failover/moves.ts), beside the same when nothing moves.
 */
import { lookAt, unsettled } from "../cli/demo/cluster_look.ts";
import { Lab } from "../cli/demo/lab.ts";
import type { Traffic } from "../cli/demo/traffic.ts";
import type { IntervalReport } from "../cli/demo/traffic_protocol.ts";
import { type Kill, kill } from "./failover/kills.ts";
import { type Gap, gapWhile, pairsIn } from "./failover/moves.ts";
import { interruptible } from "./interruptible.ts";
import { hasFlag, numberOption } from "./options.ts";
import { quantile } from "./statistics.ts";

const udpPeriodMs = 5;
const pingPeriodMs = 10;
const tcpPeriodMs = 25;
const steps = ["steady", "power loss", "return", "hang", "goes on", "drain", "resume"] as const;
/** From the end of the detection time to the new owner's first packet, at p99. */
const goalAfterMs = 10;
/** For how long the flows of a planned move are not answered. */
const goalGapMs = 20;
type Step = typeof steps[number];

const runs = numberOption("runs", 10);
const intervalMs = numberOption("interval", 100);
const multiplier = numberOption("multiplier", 3);
const reports = new Map<Step, IntervalReport[]>(steps.map((step) => [step, []]));
const lab = await Lab.create({ intervalMs, multiplier });
await interruptible(async () => {
  await lab.startNodes();
  await settled(["fw1", "fw2", "fw3"]);
  if (hasFlag("kills")) return await killOften(numberOption("kills", 100));
  if (hasFlag("moves")) return await moveOften(numberOption("moves", 60));
  await roundsOfAll();
  return false;
}, () => lab.remove());

async function roundsOfAll(): Promise<void> {
  const traffic = await lab.startTraffic({
    connections: 10,
    tcpPeriodMs,
    udpFlows: 16,
    udpPeriodMs,
    pings: 6,
    pingPeriodMs,
  });
  await pause(2000);
  await traffic.mark("start");
  for (let run = 1; run <= runs; run++) await round(traffic, run);
  const { alive, started, duplicates } = await traffic.finish();
  print();
  printHandOvers(await handOvers());
  console.log(`${alive} of ${started} connections alive, ${duplicates} answers came twice`);
}

/** Nodes die in turn; each comes back, and takes its share, before the next one dies. True: too late. */
async function killOften(count: number): Promise<boolean> {
  const all = ["fw1", "fw2", "fw3"];
  const kills: Kill[] = [];
  for (let i = 0; i < count; i++) {
    const node = lab.node(all[i % 3]);
    kills.push(await kill(lab, node.name));
    await settled(all.filter((name) => name !== node.name));
    await node.powerOn();
    await node.start();
    await settled(all);
    console.error(`kill ${i + 1} of ${count}: ${JSON.stringify(kills.at(-1))}`);
  }
  const unanswered = kills.filter(({ afterMs }) => afterMs === null).length;
  const afterMs = kills.flatMap((each) => each.afterMs ?? []);
  const at = (part: number) => quantile(afterMs, part);
  const missed = unanswered > 0 || at(0.99) > goalAfterMs;
  if (hasFlag("json")) {
    console.log(JSON.stringify({ schema: 1, intervalMs, multiplier, kills, missed }));
    return missed;
  }
  const text = [0.5, 0.99, 1].map((part) => at(part).toFixed(1));
  const own = Math.max(...kills.map(({ ownDelayMs }) => ownDelayMs)).toFixed(1);
  console.log(
    `${count} silent deaths at ${intervalMs} ms x ${multiplier}: the slower heir's first packet came ` +
      `p50 ${text[0]}, p99 ${text[1]}, max ${text[2]} ms after the detection time; ` +
      `${unanswered} without an answer; the probe was late by ${own} ms at most`,
  );
  console.log(`${missed ? "MISS" : "PASS"}: p99 at most ${goalAfterMs} ms`);
  return missed;
}

/** Nodes are drained and resumed in turn, under traffic. True: a gap was too long. */
async function moveOften(count: number): Promise<boolean> {
  const all = ["fw1", "fw2", "fw3"];
  const traffic = await lab.startTraffic({ connections: 20, tcpPeriodMs: 100 });
  const gaps: Gap[] = [];
  const moves = () => gaps.filter(({ moved }) => moved > 0);
  for (let turn = 0; moves().length < count; turn++) {
    const name = all[turn % 3];
    const node = lab.node(name);
    const others = all.filter((other) => other !== name);
    for (
      const [what, act, before, after] of [
        ["nothing", () => Promise.resolve(), [name], all],
        ["drain", () => node.drain(), [name], others],
        ["resume", () => node.undrain(), others, all],
      ] as const
    ) {
      const pairs = await pairsIn(lab, before);
      gaps.push(await gapWhile(lab, { node: name, what }, pairs, act));
      console.error(`${gaps.length}: ${JSON.stringify(gaps.at(-1))}`);
      await settled(after);
    }
  }
  const { alive, started, duplicates } = await traffic.finish();
  const moved = moves(), still = gaps.filter(({ moved }) => moved === 0);
  const seenMs = ({ gapMs, blindMs }: Gap) => gapMs - blindMs;
  const missed = Math.max(...moved.map(seenMs)) > goalGapMs || alive < started || duplicates > 0;
  if (hasFlag("json")) {
    console.log(JSON.stringify({ schema: 1, intervalMs, multiplier, gaps, missed }));
    return missed;
  }
  const figures = (ms: readonly number[]) => {
    const [p50, p99, max] = [0.5, 0.99, 1].map((part) => quantile(ms, part).toFixed(1));
    return `p50 ${p50}, p99 ${p99}, max ${max} ms`;
  };
  for (const [what, which] of [["planned moves", moved], ["times nothing moved", still]] as const) {
    console.log(
      `${which.length} ${what}: the longest gap of four flows ${
        figures(which.map(seenMs))
      }; with ` +
        `the times at which the measuring thread was not run ${
          figures(which.map(({ gapMs }) => gapMs))
        }`,
    );
  }
  console.log(`${alive} of ${started} connections alive, ${duplicates} answers came twice`);
  console.log(`${missed ? "MISS" : "PASS"}: at most ${goalGapMs} ms, nothing lost`);
  return missed;
}

/** All steps once; another node each time. */
async function round(traffic: Traffic, run: number): Promise<void> {
  const all = ["fw1", "fw2", "fw3"];
  const name = all[run % 3];
  const others = all.filter((other) => other !== name);
  const node = lab.node(name);
  const step = async (step: Step, act: () => Promise<void> | void, owners: string[]) => {
    await act();
    await settled(owners);
    await pause(300);
    reports.get(step)!.push(await traffic.mark(step));
  };
  await step("steady", () => pause(1000), all);
  await step("power loss", () => node.powerOff(), others);
  await step("return", async () => {
    await node.powerOn();
    await node.start();
  }, all);
  await step("hang", () => node.pause(), others);
  await step("goes on", () => node.resume(), all);
  await step("drain", () => node.drain(), others);
  await step("resume", () => node.undrain(), all);
  console.error(`round ${run} of ${runs}`);
}

async function settled(owners: readonly string[]): Promise<void> {
  await lab.waitUntil(
    `${owners.join(", ")} share all buckets, safe`,
    async () => unsettled(await lookAt(lab), { owners, safe: true }),
    { timeoutMs: 60_000, everyMs: 100 },
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(): void {
  console.log(
    `detection ${intervalMs} ms x ${multiplier}, ${runs} rounds, milliseconds, p50 / max`,
  );
  console.log(
    `periods: UDP ${udpPeriodMs}, ping ${pingPeriodMs}, TCP ${tcpPeriodMs}; own: lateness of the ` +
      "measuring process",
  );
  console.log(`${"step".padEnd(12)}${["UDP", "ping", "TCP", "own"].map(right).join("")}`);
  for (const [step, intervals] of reports) {
    const of = (pick: (interval: IntervalReport) => number) => {
      const sorted = intervals.map(pick).sort((a, b) => a - b);
      const median = sorted[Math.floor((sorted.length - 1) / 2)];
      return right(`${Math.round(median)} / ${Math.round(sorted[sorted.length - 1])}`);
    };
    console.log(
      step.padEnd(12) + of(({ udp }) => udp.longestMs) + of(({ ping }) => ping.longestMs) +
        of(({ tcp }) => tcp.longestMs) + of(({ ownDelayMs }) => ownDelayMs),
    );
  }
}

interface LogEvent {
  readonly time: string;
  readonly event?: string;
  readonly peer?: string;
  readonly buckets?: number;
}

/** Milliseconds between a batch of buckets being switched off at one node and on at the other. */
async function handOvers(): Promise<number[]> {
  const logs = new Map<string, LogEvent[]>();
  for (const { name, logFile } of lab.nodes) {
    const lines = (await Deno.readTextFile(logFile)).split("\n").filter((line) => line !== "");
    logs.set(name, lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)));
  }
  const found: number[] = [];
  for (const [from, events] of logs) {
    for (const off of events.filter(({ event }) => event === "releasing")) {
      const on = logs.get(off.peer!)!.find(({ event, peer, buckets, time }) =>
        event === "released" && peer === from && buckets === off.buckets && time >= off.time
      );
      if (on !== undefined) found.push(Date.parse(on.time) - Date.parse(off.time));
    }
  }
  return found.sort((a, b) => a - b);
}

function printHandOvers(ms: readonly number[]): void {
  const at = (part: number) => ms[Math.floor((ms.length - 1) * part)];
  console.log(
    `${ms.length} hand-overs, off to on: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, max ${at(1)} ms`,
  );
}

function right(text: string): string {
  return text.padStart(14);
}
