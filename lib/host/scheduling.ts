/** How much of a busy machine the daemon's threads get. */
import { setFlagsFromString } from "node:v8";
import { lockRange, useNiceValue, useRealtimePriority } from "../../ffi/libc.ts";

/** Above everything that is not in real time itself, below the kernel's own threads (50). */
const realtimePriority = 10;

/** For the core's thread: real time where allowed, else the best there is; which it was. */
export function preferCore(): "real time" | "nice" | "normal" {
  lockCode();
  return useBestPriority();
}

/** Real time where allowed, else the best there is, for the calling thread; which it was. */
export function useBestPriority(): "real time" | "nice" | "normal" {
  if (useRealtimePriority(realtimePriority)) return "real time";
  return useNiceValue(-20) ? "nice" : "normal";
}

/** For the thread that replicates: hand-overs wait for it, so it goes before ordinary work. */
export function preferReplication(): void {
  useNiceValue(-10);
}

/**
 * Has each thread of JavaScript collect its own garbage. Otherwise the core's thread waits, for all its
 * real-time priority, for helper threads of V8 that have none. To be called before it is started.
 */
export function collectGarbageWithoutHelpers(): void {
  setFlagsFromString("--single-threaded-gc");
}

/**
 * Keeps the program's code in memory: without it, the first failure in months waits for a disk. Not
 * everything (mlockall(2)): V8 gives memory back in ways that fail on locked pages, and aborts.
 */
function lockCode(): void {
  for (const line of Deno.readTextFileSync("/proc/self/maps").split("\n")) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +\//.exec(line);
    if (range === null) continue;
    const [start, end] = [BigInt(`0x${range[1]}`), BigInt(`0x${range[2]}`)];
    if (!lockRange(start, end - start)) return;
  }
}
