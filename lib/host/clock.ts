/** The daemon's clock: CLOCK_BOOTTIME, which does not stand still in a suspend. */
import { CLOCK_BOOTTIME, CLOCK_REALTIME, clockMs, clockStepMs } from "../../ffi/libc.ts";
import type { Millis } from "../ports.ts";

export function now(): Millis {
  return clockMs(CLOCK_BOOTTIME);
}

/** The clock's step, in milliseconds. */
export function stepMs(): number {
  return clockStepMs(CLOCK_BOOTTIME);
}

/** What has to be added to a time of CLOCK_REALTIME, as it is set now. */
export function fromRealtime(): number {
  return clockMs(CLOCK_BOOTTIME) - clockMs(CLOCK_REALTIME);
}
