/** How much of a busy machine the daemon's threads get. */
import { lockMemory, useNiceValue, useRealtimePriority } from "../../ffi/libc.ts";

/** Above everything that is not in real time itself, below the kernel's own threads (50). */
const realtimePriority = 10;

/** For the core's thread: real time where allowed, else the best there is; which it was. */
export function preferCore(): "real time" | "nice" | "normal" {
  lockMemory();
  if (useRealtimePriority(realtimePriority)) return "real time";
  return useNiceValue(-20) ? "nice" : "normal";
}

/** For the thread that replicates: hand-overs wait for it, so it goes before ordinary work. */
export function preferReplication(): void {
  useNiceValue(-10);
}
