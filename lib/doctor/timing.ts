/** Whether this machine lets the daemon's core run in time for the configured detection. */
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import { detectionOf, type Setup } from "./setup.ts";
import { duration, percent } from "./words.ts";

export interface TimingFacts {
  /** How late a thread of this program woke, with the best priority it was allowed; null: not root. */
  readonly lateness: {
    readonly samples: number;
    readonly medianMs: number;
    readonly longestMs: number;
    readonly scheduling: "real time" | "nice" | "normal";
  } | null;
  readonly processors: number;
  /** Such as `kvm`; null on a machine of its own. */
  readonly virtualisation: string | null;
  /** Part of the time (0 to 1) that the hypervisor gave to others while it was measured. */
  readonly stolen: number | null;
  /** Of /proc/pressure/cpu, `some avg60`: part of the last minute in which somebody waited. */
  readonly pressure: number | null;
  /** The daemon's process; null where it does not run, or is older. */
  readonly daemon: {
    /** Kilobytes of it in the swap. */
    readonly swappedKb: number;
    /** RLIMIT_MEMLOCK, in bytes; null: no limit. */
    readonly memlockMax: number | null;
    readonly lockedKb: number;
    /** Whether it may lock memory beyond its limit (CAP_IPC_LOCK). */
    readonly mayLock: boolean;
  } | null;
}

export const timingGroup: Group<"timing", TimingFacts> = {
  name: "timing",
  title: "Timing",
  checks: [
    { id: "latency", brief: "this machine is quick enough for the detection", examine: latency },
    { id: "lateness", brief: "the daemon ran in time so far", examine: lateness },
    { id: "priority", brief: "the core may run in real time", examine: priority },
    { id: "memory-lock", brief: "its code stays in memory", examine: memory },
    { id: "processors", brief: "there is more than one processor", examine: processors },
    { id: "stolen-time", brief: "processors are there when they are needed", examine: stolen },
  ],
};

/** A lease that is renewed later than that after its heartbeat has ended (lib/ownership/lease.ts). */
function slackMs(setup: Setup): number {
  const { intervalMs, multiplier } = detectionOf(setup);
  return (multiplier - 1) * intervalMs - 2;
}

/** What would do on such a machine. */
function slower(setup: Setup, longestMs: number): { remedy: string } {
  const { intervalMs, multiplier } = detectionOf(setup);
  const wanted = Math.ceil(2 * (longestMs + 2) / (multiplier - 1) / 10) * 10;
  const interval = Math.max(wanted, intervalMs + 10);
  return {
    remedy: `detect more slowly (detection.interval = "${interval}ms" on all nodes), ` +
      "or find what keeps the processors",
  };
}

function latency({ lateness }: TimingFacts, setup: Setup): Outcome[] {
  if (lateness === null) return [];
  const { intervalMs, multiplier } = detectionOf(setup);
  const { longestMs, medianMs, samples, scheduling } = lateness;
  const evidence = `late by ${duration(medianMs)} at the median, ${duration(longestMs)} at most, ` +
    `of ${samples} times (${scheduling} priority); detection ${
      duration(intervalMs)
    } × ${multiplier}`;
  if (longestMs >= slackMs(setup)) {
    return [
      fail("this machine is too slow for the configured detection", {
        why: "a core that is run so late has lost its lease: its buckets move for no reason",
        ...slower(setup, longestMs),
        evidence,
      }),
    ];
  }
  if (longestMs < slackMs(setup) / 2) {
    return [fine("this machine is quick enough for the configured detection", evidence)];
  }
  return [
    warn("this machine is hardly quick enough for the configured detection", {
      why: "more than half of what a lease allows was used up while nothing happened",
      ...slower(setup, longestMs),
      evidence,
    }),
  ];
}

function lateness(_: TimingFacts, setup: Setup): Outcome[] {
  const { vitals } = setup;
  if (vitals === null) return [];
  const { count, longestMs, sinceMs } = vitals.late;
  if (count === 0) return [fine("the daemon was never late", `up for ${duration(vitals.upMs)}`)];
  const evidence =
    `${count === 1 ? "once" : `${count} times`} in ${duration(vitals.upMs)}, by ${
      duration(longestMs)
    } at most, ` +
    `last ${duration(sinceMs ?? 0)} ago`;
  const isRecent = (sinceMs ?? Infinity) < 3_600_000;
  const make = isRecent ? warn : note;
  return [
    make("the daemon was not run in time", {
      why: "it is late when it has slept through what it should have heard; a lease may have ended",
      ...slower(setup, longestMs),
      evidence,
    }),
  ];
}

/** Faster detection than this leaves no room for ordinary scheduling. */
const relaxedMs = 1000;

function priority({ lateness }: TimingFacts, setup: Setup): Outcome[] {
  const found = setup.vitals?.scheduling ?? lateness?.scheduling ?? null;
  if (found === null) return [];
  const who = setup.vitals === null ? "a program like this" : "the daemon's core";
  if (found === "real time") return [fine(`${who} runs in real time`)];
  const { intervalMs, multiplier } = detectionOf(setup);
  const make = intervalMs * multiplier < relaxedMs ? warn : note;
  return [
    make(`${who} may not run in real time (${found} priority)`, {
      why: "any busy program can keep it from renewing its lease in time",
      remedy: "run it as root with CAP_SYS_NICE, in a control group that allows real time " +
        "(the unit of avail install does), or detect more slowly",
      commands: ["systemctl show avail -p LimitRTPRIO -p CapabilityBoundingSet"],
    }),
  ];
}

/** The code of the runtime and its libraries, roughly. */
const codeBytes = 96 << 20;

function memory({ daemon }: TimingFacts): Outcome[] {
  if (daemon === null) return [];
  const { swappedKb, memlockMax, lockedKb, mayLock } = daemon;
  const found: Outcome[] = [];
  if (swappedKb > 0) {
    found.push(warn("part of the daemon is in the swap", {
      why: "the first failure in months may have to wait for a disk",
      remedy: "give the machine more memory, or keep this service out of the swap",
      commands: ["systemctl set-property avail MemorySwapMax=0"],
      evidence: `${swappedKb} kB`,
    }));
  }
  if (!mayLock && memlockMax !== null && memlockMax < codeBytes) {
    found.push(warn("the daemon may not keep its code in memory", {
      why: "code that was not used for long is dropped when memory is short, and read again from " +
        "the disk when it is needed most",
      remedy: "allow it (the unit of avail install does)",
      commands: ["systemctl edit avail   # [Service] LimitMEMLOCK=infinity"],
      evidence: `limit ${Math.round(memlockMax / 1024)} kB, locked ${lockedKb} kB`,
    }));
  }
  return found.length > 0 ? found : [fine("the daemon's code stays in memory", `${lockedKb} kB`)];
}

function processors({ processors }: TimingFacts): Outcome[] {
  if (processors > 1) return [fine(`there are ${processors} processors`)];
  return [
    warn("there is one processor only", {
      why: "the network's interrupts, the firewall and the daemon wait for each other: " +
        "a flood of packets keeps heartbeats from being heard",
      remedy: "give the machine a second one, or detect more slowly",
    }),
  ];
}

const stolenMax = 0.02;
const pressureMax = 0.3;

function stolen({ stolen, pressure, virtualisation }: TimingFacts): Outcome[] {
  const found: Outcome[] = [];
  if (stolen !== null && stolen > stolenMax) {
    found.push(warn("the hypervisor takes processor time away", {
      why: "a virtual machine that is not run misses heartbeats and loses its lease, " +
        "whatever its own priorities",
      remedy: "reserve processors for this machine on its host, or detect more slowly",
      evidence: `${percent(stolen, 1)} stolen${virtualisation ? ` (${virtualisation})` : ""}`,
    }));
  }
  if (pressure !== null && pressure > pressureMax) {
    found.push(note("programs of this machine wait for processors", {
      why: "the core goes before them where it runs in real time; the replication does not, " +
        "and may lag",
      remedy: "see what is busy",
      commands: ["top -b -n 1 | head -20"],
      evidence: `${percent(pressure, 1)} of the last minute (/proc/pressure/cpu)`,
    }));
  }
  if (found.length > 0) return found;
  return stolen === null && pressure === null ? [] : [fine("processors are there when needed")];
}
