/** How well this machine keeps time for the daemon. */
import {
  CLOCK_BOOTTIME,
  clockMs,
  PollSet,
  useNiceValue,
  useNormalPriority,
} from "../../../ffi/libc.ts";
import type { Setup } from "../../doctor/setup.ts";
import type { TimingFacts } from "../../doctor/timing.ts";
import { useBestPriority } from "../scheduling.ts";
import { readText } from "./read.ts";
import { virtualisation } from "./virtualisation.ts";

/** So long this machine is watched. */
export const watchMs = 1000;
/** Between two wake-ups: as often as the fastest detection has one. */
const napMs = 5;
/** Bits of CapEff, linux/capability.h. */
const CAP_IPC_LOCK = 14n;

export function timingFacts({ vitals }: Setup): TimingFacts {
  const before = readText("/proc/stat") ?? "";
  // Without root's rights it would tell of somebody else's chances than the daemon's.
  const lateness = Deno.uid() === 0 ? measureLateness() : null;
  const after = readText("/proc/stat") ?? "";
  return {
    lateness,
    processors: navigator.hardwareConcurrency,
    virtualisation: virtualisation(),
    stolen: stolenPart(before, after),
    pressure: pressureOf(readText("/proc/pressure/cpu")),
    daemon: vitals === null ? null : daemonFacts(vitals.pid),
  };
}

/** Sleeps again and again with the core's own priority, and looks how late each sleep ends. */
function measureLateness(): TimingFacts["lateness"] {
  const scheduling = useBestPriority();
  try {
    const poll = new PollSet([]);
    const late: number[] = [];
    for (const end = clockMs(CLOCK_BOOTTIME) + watchMs; clockMs(CLOCK_BOOTTIME) < end;) {
      const due = clockMs(CLOCK_BOOTTIME) + napMs;
      poll.wait(napMs);
      late.push(Math.max(0, clockMs(CLOCK_BOOTTIME) - due));
    }
    late.sort((a, b) => a - b);
    const medianMs = late[late.length >> 1];
    return { samples: late.length, medianMs, longestMs: late.at(-1)!, scheduling };
  } finally {
    // Programs that are started from here must not inherit it.
    useNormalPriority();
    useNiceValue(0);
  }
}

/** The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, … */
export function stolenPart(before: string, after: string): number | null {
  const [a, b] = [before, after].map((text) =>
    /^cpu +(.*)$/m.exec(text)?.[1].split(" ").slice(0, 8).map(Number) ?? []
  );
  if (a.length < 8 || b.length < 8) return null;
  const whole = b.reduce((sum, ticks, i) => sum + ticks - a[i], 0);
  return whole > 0 ? (b[7] - a[7]) / whole : null;
}

/** `some avg10=0.00 avg60=1.53 …`: hundredths. */
export function pressureOf(text: string | null): number | null {
  const found = /^some .*avg60=([\d.]+)/m.exec(text ?? "")?.[1];
  return found === undefined ? null : Number(found) / 100;
}

function daemonFacts(pid: number): TimingFacts["daemon"] {
  const status = readText(`/proc/${pid}/status`);
  if (status === null) return null;
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
  const limit = /^Max locked memory\s+(\S+)/m.exec(readText(`/proc/${pid}/limits`) ?? "")?.[1];
  const capabilities = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return {
    swappedKb: kilobytes("VmSwap"),
    lockedKb: kilobytes("VmLck"),
    memlockMax: limit === undefined || limit === "unlimited" ? null : Number(limit),
    mayLock: (capabilities >> CAP_IPC_LOCK & 1n) === 1n,
  };
}
