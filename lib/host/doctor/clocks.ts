/** This machine's clocks. */
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC, clockDiscipline, clockMs } from "../../../ffi/libc.ts";
import { SystemError } from "../../../ffi/library.ts";
import type { ClocksFacts } from "../../doctor/clocks.ts";
import { readText } from "./read.ts";

export function clocksFacts(): ClocksFacts {
  return {
    discipline: discipline(),
    source: readText("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    // The one clock counts suspends, the other does not.
    suspendedMs: Math.max(0, clockMs(CLOCK_BOOTTIME) - clockMs(CLOCK_MONOTONIC)),
  };
}

function discipline(): ClocksFacts["discipline"] {
  try {
    const { isSynchronised, errorUsMax, frequencyPpm } = clockDiscipline();
    return { isSynchronised, errorMsMax: errorUsMax / 1000, frequencyPpm };
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}
