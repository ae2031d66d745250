/**
 * Instructions that a frame costs in a virtual machine whose clock counts them: with QEMU's
 * `-icount shift=0`, a nanosecond of the guest passes with each instruction. So the numbers do not
 * depend on the machine that runs this, nor on what else it does; they say nothing of caches.
 *
 * All lanes (guest_lanes.ts) are there at once and take turns. A burst is short enough that most hold
 * no timer interrupt, and the middle one of all rounds is taken. What sending and receiving cost
 * before anything looks at a frame is found with a bare rx_handler, and taken away.
 */
import { buildModule } from "../../tests/vm/build_module.ts";
import { cacheFolder, root, writeWhole } from "../../tests/vm/cache.ts";
import { packInitramfs } from "../../tests/vm/initramfs.ts";
import { findReport } from "../../tests/vm/kernel_log.ts";
import { kernels } from "../../tests/vm/kernels.ts";
import { obstacle } from "../../tests/vm/obstacle.ts";
import { obtain } from "../../tests/vm/obtain.ts";
import { which } from "../../tests/vm/process.ts";
import { buildProgram } from "../../tests/vm/program.ts";
import { boot, type Run } from "../../tests/vm/qemu.ts";
import { clusterdev } from "../../tests/vm/tests.ts";
import {
  acceptedName,
  bareName,
  groupMac,
  keys,
  type Lane,
  laneCommands,
  laneKinds,
  lanesOf,
  laneWord,
  refusedName,
  withoutName,
} from "./guest_lanes.ts";
import { readIp4Counts, readIp6Counts } from "./ip_counts.ts";
import { atMost, type Family, type Report, type Row, rowOf, type Target } from "./report.ts";

/** The newest of our kernels that still has ipt_CLUSTERIP. */
const kernelName = "6.1";
const roundsDefault = 40;
/** A few hundred thousand instructions: a tenth of what lies between two ticks. */
const burst = 128;
const label = "bench-datapath";
const deadlineMs = 600_000;

const modules = ["veth", "nf_tables", "nft_hash", "nf_conntrack", "ip_tables", "ip6_tables"].concat(
  ...["iptable_filter", "iptable_mangle", "ip6table_mangle", "xt_cluster", "ipt_CLUSTERIP"],
);

/** Instructions above the bare rx_handler. */
const refusedLimits = new Map([["source", 250], ["pair", 300]] as const);
/** Instructions above the same frame without clusterdev. */
const acceptedLimit = 800;

export async function measureGuest(rounds = roundsDefault): Promise<Report> {
  const why = obstacle();
  if (why !== null) throw new Error(`bench datapath: ${why}`);
  const lanes = lanesOf(laneKinds);
  const run = await bootGuest(lanes, rounds);
  checkRun(run);
  const instructions = new Map(lanes.map((lane) => [lane, timesOf(run, lane, rounds)]));
  for (const lane of lanes) checkWay(run, lane, burst * (rounds + 1));

  const of = (name: string, family: Family) =>
    instructions.get(lanes.find((lane) => lane.name === name && lane.family === family)!)!;
  const row = ({ name, family, reachesIp, clusterdev }: Lane): Row => {
    const baseline = clusterdev?.owned === true && reachesIp ? withoutName : bareName;
    return rowOf(name, family, of(name, family), { name: baseline, rounds: of(baseline, family) });
  };
  const rows = lanes.map(row);
  return {
    schema: 1,
    bench: "datapath",
    unit: "instructions",
    notes: [
      `Linux ${/@@ Linux (\S+),/.exec(run.console)?.[1]} under QEMU -icount shift=0, one processor`,
      `${rounds} rounds of ${burst} frames; spectre_v2: ${
        /@@spectre_v2 (.*)/.exec(run.console)?.[1]
      }`,
    ],
    rows,
    targets: targetsOf(rows),
  };
}

function targetsOf(rows: readonly Row[]): Target[] {
  const above = (name: string, family: Family) =>
    rows.find((row) => row.name === name && row.family === family)!.above.median;
  const targets: Target[] = [];
  for (const [key, limit] of refusedLimits) {
    const name = refusedName(key);
    targets.push(atMost(`IPv4: ${name}, above ${bareName}, median`, above(name, 4), limit));
  }
  for (const family of [4, 6] as const) {
    for (const key of keys) {
      const name = acceptedName(key);
      const what = `IPv${family}: ${name}, above the ${withoutName}, median`;
      targets.push(atMost(what, above(name, family), acceptedLimit));
    }
  }
  return targets;
}

async function bootGuest(lanes: readonly Lane[], rounds: number): Promise<Run> {
  const kernel = await obtain(kernels.find(({ name }) => name === kernelName)!);
  const bare = { name: "avail_bare", folder: `${root}bench/datapath/bare` };
  const builtModules = [await buildModule(kernel, clusterdev), await buildModule(kernel, bare)];
  const script = `${cacheFolder}/${label}.sh`;
  writeWhole(script, scriptOf(lanes, rounds));
  const xtables = which("xtables-legacy-multi")!;
  const files = {
    "/test/init.sh": `${root}tests/vm/guest/init.sh`,
    "/test/lib.sh": `${root}tests/vm/guest/lib.sh`,
    "/test/clusterctl": await buildProgram(`${root}tests/vm/guest/clusterctl`),
    "/test/cannon": await buildProgram(`${root}bench/datapath/cannon`),
    [`/test/${label}.sh`]: script,
    // The names by which a Debian system has them.
    "/test/iptables-legacy": xtables,
    "/test/ip6tables-legacy": xtables,
  };
  return await boot({
    kernel,
    initramfs: await packInitramfs(kernel, label, { modules, builtModules, files }),
    script: `/test/${label}.sh`,
    label: `${kernelName}-${label}`,
    // As a machine has them: an indirect call is dear, and others make many.
    commandLine: ["mitigations=auto"],
    qemuArgs: ["-icount", "shift=0,sleep=off"],
    deadlineMs,
  });
}

function scriptOf(lanes: readonly Lane[], rounds: number): string {
  const bare = lanes.filter(({ name }) => name === bareName);
  const lines = [
    ". /test/lib.sh",
    `load ${modules[0]}`,
    `try_load ${modules.slice(1).join(" ")}`,
    "must modprobe clusterdev",
    'echo "@@spectre_v2 $(cat /sys/devices/system/cpu/vulnerabilities/spectre_v2)"',
    // Nothing but the cannon's frames.
    "echo 0 >/proc/sys/net/ipv6/conf/default/router_solicitations",
    ...bare.flatMap(laneCommands).map(must),
    ...lanes.filter((lane) => !bare.includes(lane)).flatMap(laneCommands).map(must),
    must(["modprobe", "avail_bare", `devices=${bare.map(({ number }) => `in${number}`).join()}`]),
    "sleep 5",
    `cannon ${rounds} ${burst} ${groupMac} ${lanes.map(laneWord).join(" ")} || bail "the cannon"`,
    ...lanes.filter(({ setUp }) => setUp !== null).map(({ number, clusterdev }) =>
      [
        `echo "@@counts ${number}"`,
        `ip netns exec n${number} cat /proc/net/snmp /proc/net/snmp6`,
        ...(clusterdev === null ? [] : [`clusterctl -n n${number} show cluster0`]),
        `echo "@@end ${number}"`,
      ].join("\n")
    ),
  ];
  return lines.join("\n") + "\n";
}

/** A command of the script; a failure ends it. */
function must(command: readonly string[]): string {
  return ["must", ...command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`)].join(" ");
}

/** Instructions of a frame, for each round. */
function timesOf(run: Run, { number }: Lane, rounds: number): number[] {
  const line = new RegExp(`^@@time send${number} (.*)$`, "m").exec(run.console)?.[1] ?? "";
  const times = line.split(" ").map((ns) => Number(ns) / burst);
  if (times.length !== rounds || times.some((ns) => !(ns > 0))) {
    throw new Error(`reading the cannon's times: of lane ${number}: "${line}"`);
  }
  return times;
}

function checkRun(run: Run): void {
  const report = findReport(run.log);
  if (report !== null) throw new Error(`the kernel reports: ${report.surroundings}`);
  if (run.code === 0) return;
  const end = run.console.trimEnd().split("\n").slice(-10).join("\n");
  throw new Error(`running the guest: ${run.isHung ? "it took too long" : "it failed"}: ${end}`);
}

/** Frames that were lost on the way, or let through, would be cheap: such a measurement is void. */
function checkWay(run: Run, lane: Lane, sent: number): void {
  const { name, number, family, reachesIp, clusterdev } = lane;
  if (lane.setUp === null) return;
  const block = new RegExp(`^@@counts ${number}\n([^]*?)^@@end ${number}$`, "m").exec(run.console);
  const text = block?.[1] ?? "";
  const { received, delivered } = family === 4 ? readIp4Counts(text) : readIp6Counts(text);
  const counted: [what: string, count: number, wanted: number][] = [
    ["IP received", received, reachesIp ? sent : 0],
    ["IP delivered", delivered, 0],
  ];
  if (clusterdev !== null) {
    const of = (counter: string) => Number(new RegExp(`^${counter}=(\\d+)`, "m").exec(text)?.[1]);
    counted.push(
      ["clusterdev accepted", of("accepted"), clusterdev.owned ? sent : 0],
      ["clusterdev refused", of("not_owned"), clusterdev.owned ? 0 : sent],
    );
  }
  for (const [what, count, wanted] of counted) {
    // The receivers' own neighbour discovery is counted, too.
    if (Math.abs(count - wanted) <= sent / 100) continue;
    throw new Error(`${name}, IPv${family}: ${what} ${count} of ${sent} frames, not ${wanted}`);
  }
}
