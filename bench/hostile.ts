/**
 * What a million useless datagrams cost the daemons of a lab of three nodes, kind by kind, sent from
 * the clients' network as fast as one sender can; and whether anything changed.
 *
 *     ./dev bench hostile [--count 1000000] [--json]
 *
 * A core's share is the processor time of the whole daemon, all threads, less what it takes when idle.
 * Sender, switch and nodes share this machine's processors.
 */
import { Lab } from "../cli/demo/lab.ts";
import { floods } from "../tests/netns/floods.ts";
import { Forger, Hostile } from "../tests/netns/hostile.ts";
import { interruptible } from "./interruptible.ts";
import { startAndSettle } from "./settle.ts";

const bad = ["lease-lost", "forfeited", "peer-dead", "conflict-lost", "plan"];

const countAt = Deno.args.indexOf("--count");
const count = countAt < 0 ? 1_000_000 : Number(Deno.args[countAt + 1]);
if (!(count >= 1000)) {
  throw new Error(`--count ${Deno.args[countAt + 1]}: not a number from 1000 on`);
}

interface Row {
  readonly kind: string;
  readonly sent: number;
  readonly perSecond: number;
  /** Of one core, by node. */
  readonly shares: readonly number[];
  /** Datagrams that the nodes read and counted, each. */
  readonly read: readonly number[];
}

const lab = await Lab.create({ intervalMs: 100 });
await interruptible(async () => {
  await startAndSettle(lab);
  await using hostile = await Hostile.start(lab);
  const forger = await Forger.of(lab);
  const before = await owners();
  const logged = await badEvents();
  await pause(10_000); // until the daemons have compiled what they do when nothing happens
  const idle = await measured(async () => {
    await pause(10_000);
    return { sent: 0 };
  });
  const rows: Row[] = [];
  for (const flood of floods) {
    const each = Math.round(count / floods.length);
    const had = await refused();
    const run = await measured(() => flood.send(hostile, forger, each));
    const has = await refused();
    rows.push({
      kind: flood.name,
      sent: run.sent,
      perSecond: Math.round(run.sent / run.ms * 1000),
      shares: run.shares.map((share, i) => share - idle.shares[i]),
      read: has.map((n, i) => n - had[i]),
    });
  }
  const events = (await badEvents()).slice(logged.length);
  const changed = JSON.stringify(await owners()) !== JSON.stringify(before);
  const result = { schema: 1, idleShares: idle.shares, rows, changed, events };
  if (Deno.args.includes("--json")) console.log(JSON.stringify(result));
  else print(result);
  return changed || events.length > 0;
}, () => lab.remove());

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function owners() {
  return await Promise.all(lab.nodes.map(async (node) => {
    const { owners, epoch, members } = await node.status(10_000);
    return { owners, epoch, members: members.map(({ incarnation }) => incarnation) };
  }));
}

/** Useless datagrams that each node has counted. */
async function refused(): Promise<number[]> {
  return await Promise.all(lab.nodes.map(async (node) => {
    const { refused } = await node.status(10_000);
    return Object.values(refused).reduce((sum, n) => sum + n, 0);
  }));
}

async function badEvents(): Promise<string[]> {
  const logs = await Promise.all(lab.nodes.map((node) => node.log(100_000)));
  return logs.flat().map((line) => /"event":"([a-z-]+)"/.exec(line)?.[1] ?? "")
    .filter((event) => bad.includes(event));
}

async function measured<T extends { readonly sent: number }>(work: () => Promise<T>) {
  const read = () => Promise.all(lab.nodes.map((node) => cpuMs(node.pid!)));
  const from = await read();
  const startedAt = performance.now();
  const { sent } = await work();
  const ms = performance.now() - startedAt;
  const to = await read();
  return { sent, ms, shares: to.map((value, i) => (value - from[i]) / ms) };
}

/** proc_pid_stat(5), fields 14 and 15: user and system time of all threads, in hundredths. */
async function cpuMs(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function print(
  { idleShares, rows, changed, events }: {
    idleShares: readonly number[];
    rows: readonly Row[];
    changed: boolean;
    events: readonly string[];
  },
): void {
  const percent = (shares: readonly number[]) =>
    shares.map((share) => `${(100 * share).toFixed(1)}%`).join(" ");
  console.log(
    `idle: ${percent(idleShares)} of a core (${lab.nodes.map(({ name }) => name).join(", ")})`,
  );
  console.log(`${"flood".padEnd(34)}${"sent".padStart(9)}${"a second".padStart(10)}  beyond idle`);
  for (const { kind, sent, perSecond, shares, read } of rows) {
    const line = kind.padEnd(34) + String(sent).padStart(9) + String(perSecond).padStart(10);
    console.log(`${line}  ${percent(shares)}, read ${read.join(" ")}`);
  }
  const total = rows.reduce((sum, { sent }) => sum + sent, 0);
  const what = changed ? "the buckets or members changed" : "no bucket, plan or member changed";
  console.log(
    `${total} in all: ${what}; ${events.length > 0 ? events.join(", ") : "no lease lost"}`,
  );
}
