/** Whether this machine's clocks are right, agree with the other nodes', and are cheap to read. */
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import { detectionOf, type Setup } from "./setup.ts";
import { duration } from "./words.ts";

export interface ClocksFacts {
  /** adjtimex(2); null where it cannot be asked. */
  readonly discipline: {
    readonly isSynchronised: boolean;
    /** How far the time of day may be off, in milliseconds, by the kernel's own estimate. */
    readonly errorMsMax: number;
    /** What is corrected for, in millionths. */
    readonly frequencyPpm: number;
  } | null;
  /** What the kernel reads time from, such as `tsc`; null: not known. */
  readonly source: string | null;
  /** How long the machine stood still in suspends since its boot, in milliseconds. */
  readonly suspendedMs: number;
}

export const clocksGroup: Group<"clocks", ClocksFacts> = {
  name: "clocks",
  title: "Clocks",
  checks: [
    { id: "clock-sync", brief: "the time of day is kept right", examine: sync },
    { id: "clock-difference", brief: "the nodes agree about it", examine: difference },
    { id: "clock-drift", brief: "clocks run alike within a detection time", examine: drift },
    { id: "clock-source", brief: "the clock is cheap to read", examine: source },
    { id: "suspend", brief: "this machine never stood still", examine: suspend },
  ],
};

const keepTime = {
  remedy: "run a time service, and let all nodes ask the same servers",
  commands: ["apt-get install chrony", "timedatectl set-ntp true"],
} as const;

function sync({ discipline }: ClocksFacts): Outcome[] {
  if (discipline === null) return [];
  if (discipline.isSynchronised) {
    return [fine("the time of day is synchronised", `to ${duration(discipline.errorMsMax)}`)];
  }
  return [
    warn("the time of day is not synchronised", {
      why: "leases do not need it, but logs and events of several nodes cannot be put in order, " +
        "and tokens for joining expire at a wrong time",
      ...keepTime,
    }),
  ];
}

const differenceMsMax = 1000;

function difference(_: ClocksFacts, { peers }: Setup): Outcome[] {
  const known = peers.flatMap(({ name, vitals, askedMs, answeredMs }) => {
    if (vitals === null) return [];
    // It read its clock somewhere between; so far it may be off.
    const uncertainMs = Math.max(0, answeredMs - askedMs) / 2;
    const ms = vitals.timeMs - (askedMs + answeredMs) / 2;
    return [{ name, ms, uncertainMs }];
  });
  if (known.length === 0) return [];
  const found = known.filter(({ ms, uncertainMs }) => Math.abs(ms) - uncertainMs > differenceMsMax)
    .map(({ name, ms, uncertainMs }) =>
      warn(`${name} is ${duration(Math.abs(ms))} ${ms > 0 ? "ahead of" : "behind"} this node`, {
        why: "logs and events of the nodes cannot be put in order, and tokens for joining expire " +
          "at a wrong time (leases and detection do not depend on it)",
        ...keepTime,
        evidence: `give or take ${duration(uncertainMs)}`,
      })
    );
  if (found.length > 0) return found;
  const most = Math.max(...known.map(({ ms }) => Math.abs(ms)));
  return [fine("the nodes agree about the time of day", `within ${duration(Math.max(1, most))}`)];
}

/** Crystals differ by so much where nothing corrects them: twice 50 millionths, and some heat. */
const freePpm = 150;
/** Where both follow good servers. */
const disciplinedPpm = 5;
/** The least guard of a lease (lib/ownership/lease.ts). */
const guardMs = 2;

function drift({ discipline }: ClocksFacts, setup: Setup): Outcome[] {
  if (discipline === null) return [];
  const { intervalMs, multiplier } = detectionOf(setup);
  const detectionMs = intervalMs * multiplier;
  const ppm = discipline.isSynchronised ? disciplinedPpm : freePpm;
  const apartMs = detectionMs * ppm / 1e6;
  const evidence = `${duration(detectionMs)} × ${ppm} ppm = ${
    duration(apartMs)
  } of ${guardMs} ms; corrected by ${Math.round(discipline.frequencyPpm)} ppm`;
  if (Math.abs(discipline.frequencyPpm) >= 500) {
    return [
      warn("the kernel cannot correct the clock any further", {
        why: "it runs at a wrong rate: two nodes measure a lease differently",
        remedy: "look for another clock source, or for what disturbs the time service",
        commands: ["cat /sys/devices/system/clocksource/clocksource0/available_clocksource"],
        evidence,
      }),
    ];
  }
  if (apartMs < guardMs) return [fine("clocks drift too little to matter", evidence)];
  return [
    warn("the detection time is so long that drifting clocks matter", {
      why: "a lease is measured by one node's clock, its end by the others': a lease that ends " +
        "late means two nodes for one bucket",
      remedy: "shorten detection.interval or the multiplier" +
        (discipline.isSynchronised ? "" : ", or synchronise the clocks"),
      evidence,
    }),
  ];
}

/** Read in tens of nanoseconds; everything else takes a microsecond or more. */
const cheap = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "xen"];

function source({ source }: ClocksFacts): Outcome[] {
  if (source === null) return [];
  if (cheap.includes(source)) return [fine(`the clock source is ${source}`)];
  const make = source === "jiffies" ? fail : warn;
  return [
    make(`the clock source is ${source}`, {
      why: source === "jiffies"
        ? "it counts whole ticks: leases are as coarse"
        : "reading it takes a microsecond or more, and the datapath reads it for every frame " +
          "that it takes",
      remedy:
        "use the processor's counter where it is reliable (dmesg says why the kernel left it)",
      commands: [
        "echo tsc >/sys/devices/system/clocksource/clocksource0/current_clocksource",
        "dmesg | grep -i clocksource",
      ],
    }),
  ];
}

function suspend({ suspendedMs }: ClocksFacts): Outcome[] {
  if (suspendedMs < 100) return [fine("this machine has not stood still since its boot")];
  return [
    note(`this machine stood still for ${duration(suspendedMs)} since its boot`, {
      why: "in a suspend a node loses its lease and its buckets, as by a power loss",
      remedy: "forbid it, where it is no accident",
      commands: ["systemctl mask sleep.target suspend.target hibernate.target"],
    }),
  ];
}
