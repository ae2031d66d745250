/** The daemon's clock: CLOCK_BOOTTIME, which does not stand still in a suspend. */
import { CLOCK_BOOTTIME, clockMs, clockStepMs } from "../../ffi/libc.ts";
import type { Millis } from "../ports.ts";

export function now(): Millis {
  return clockMs(CLOCK_BOOTTIME);
}

/** The clock's step, in milliseconds. */
export function stepMs(): number {
  return clockStepMs(CLOCK_BOOTTIME);
}
