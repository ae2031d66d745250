/**
 * CPU time of a refused frame on this machine.
 *
 *     injector (on one CPU) --- veth --- receiver: refuses every frame
 *
 * All contestants are set up at once and take turns of some milliseconds, so whatever disturbs the
 * machine disturbs all of them, and the comparison is made within each round.
 *
 * Frames are made by the kernel (BPF_PROG_TEST_RUN with live frames) and handed to veth without a
 * packet buffer, as a network card hands them to its driver. Up to the receiver's poll the way is the
 * same for all; there XDP comes before a buffer is made, and the others after it, which is most of
 * what XDP saves. (A sender in user space gives veth buffers from the start, and native XDP would
 * have to copy them: that would measure veth.)
 *
 * veth receives in the softirq that the sender raises, so the CPU time of the injecting thread and of
 * the ksoftirqd of its CPU is that of the whole path. What making and handing over frames takes is
 * found with a receiver that is down, and taken away; veth's receiving is not.
 */
import { HostLab, type Pair } from "./host_lab.ts";
import type { Lane } from "./inject_process.ts";
import { nftIngress, nftPrerouting, xtCluster } from "./refusals.ts";
import {
  atLeast,
  type Family,
  type Report,
  type Row,
  rowOf,
  spreadOf,
  type Target,
} from "./report.ts";

const framesPerTurn = 20_000;
const roundsDefault = 50;
/** The first CPU often has the interrupts. */
const cpu = navigator.hardwareConcurrency - 1;
const keys = ["source", "pair", "flow"] as const;
const refusals = [nftIngress, nftPrerouting, xtCluster];
/** How many times our CPU time others must at least take. */
const factors = new Map([[nftIngress.name, 5], [nftPrerouting.name, 5], [xtCluster.name, 9]]);
/** They all hash the source, and so does our contestant; `pair` and `flow` are shown beside it. */
const judgedKey = "source";

interface Contestant extends Lane, Pair {
  readonly name: string;
  /** Whether its frames are meant to get as far as the IP layer. */
  readonly reachesIp: boolean;
}

export async function measureHost(rounds = roundsDefault): Promise<Report> {
  await using lab = await HostLab.create();
  Deno.addSignalListener(
    "SIGINT",
    () => void lab[Symbol.asyncDispose]().finally(() => Deno.exit(130)),
  );
  const notes = [
    `Linux ${Deno.osRelease()}, CPU ${cpu}, ${rounds} rounds of ${framesPerTurn} frames each`,
    "CPU time of a frame with its sending, and above the baseline, in the same round",
  ];
  const contestants = [
    ...await contestantsOf(lab, 4, notes),
    ...await contestantsOf(lab, 6, notes),
  ];
  const order = { cpu, rounds, frames: framesPerTurn, lanes: contestants };
  const { nanoseconds, refused, sent } = await lab.inject(order, cpu);
  for (const [i, contestant] of contestants.entries()) {
    await checkWay(lab, contestant, sent, refused[i]);
  }
  const rows: Row[] = [], targets: Target[] = [];
  for (const family of [4, 6] as const) {
    const of = (name: string) =>
      nanoseconds[contestants.findIndex((each) => each.family === family && each.name === name)];
    const baseline = of(baselineName);
    for (const { name } of contestants.filter((each) => each.family === family)) {
      rows.push(rowOf(name, family, of(name), { name: baselineName, rounds: baseline }));
    }
    const ours = of(xdpName(judgedKey));
    for (const [name, factor] of factors) {
      const theirs = of(name);
      if (theirs === undefined) continue;
      const ratios = theirs.map((ns, i) => (ns - baseline[i]) / (ours[i] - baseline[i]));
      const what = `IPv${family}: CPU time of ${name} over ${xdpName(judgedKey)}, median`;
      targets.push(atLeast(what, spreadOf(ratios).median, factor));
    }
  }
  return { schema: 1, bench: "datapath-xdp", unit: "ns", notes, rows, targets };
}

const baselineName = "sending alone";
const xdpName = (key: string) => `XDP ${key}`;

async function contestantsOf(
  lab: HostLab,
  family: Family,
  notes: string[],
): Promise<Contestant[]> {
  const plain = { family, program: null, toForeignMac: false, reachesIp: false } as const;
  const found: Contestant[] = [
    { ...plain, name: baselineName, ...await lab.addClosedReceiver() },
    { ...plain, name: "XDP_DROP alone", program: "drop", ...await lab.addXdpReceiver() },
  ];
  for (const key of keys) {
    found.push({ ...plain, name: xdpName(key), program: key, ...await lab.addXdpReceiver() });
  }
  const name = "no rule: another host's MAC";
  found.push({ ...plain, name, toForeignMac: true, ...await lab.addStackReceiver(family) });
  for (const refusal of refusals) {
    try {
      const pair = await lab.addStackReceiver(family, refusal);
      found.push({ ...plain, name: refusal.name, reachesIp: refusal !== nftIngress, ...pair });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      notes.push(`left out: ${refusal.name}, IPv${family}: ${error.message.trim()}`);
    }
  }
  return found;
}

/** Frames that were lost on the way, or let through, would be cheap: such a measurement is void. */
async function checkWay(
  lab: HostLab,
  contestant: Contestant,
  sent: number,
  refused: number | null,
): Promise<void> {
  const { name, family, program, reachesIp } = contestant;
  const isAbout = (count: number, wanted: number) => Math.abs(count - wanted) < sent / 1000;
  if (refused !== null && !isAbout(refused, sent)) {
    throw new Error(`${name}, IPv${family}: refused ${refused} frames of ${sent}`);
  }
  if (program !== null || name === baselineName) return;
  const { received, delivered } = await lab.ipCounts(contestant, family);
  if (!isAbout(received, reachesIp ? sent : 0) || !isAbout(delivered, 0)) {
    throw new Error(
      `${name}, IPv${family}: of ${sent} frames, IP received ${received}, delivered ${delivered}`,
    );
  }
}
