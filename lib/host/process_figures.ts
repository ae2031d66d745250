/** What this process takes of the machine. */

/** USER_HZ, the unit of times in /proc: 100 on every Linux that this program runs on. */
const ticksPerSecond = 100;

export interface ProcessFigures {
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly residentBytes: number;
  /** User and system; null: the kernel does not tell. */
  readonly cpuSeconds: number | null;
}

export function processFigures(): ProcessFigures {
  return {
    startTime: performance.timeOrigin / 1000,
    residentBytes: Deno.memoryUsage().rss,
    cpuSeconds: cpuSeconds(),
  };
}

function cpuSeconds(): number | null {
  try {
    return cpuSecondsOf(Deno.readTextFileSync("/proc/self/stat"));
  } catch {
    return null;
  }
}

/** `utime` and `stime` of proc_pid_stat(5): fields 14 and 15, counted from 1; the second may have blanks. */
export function cpuSecondsOf(stat: string): number | null {
  const words = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(words[11]) + Number(words[12]);
  return Number.isFinite(ticks) ? ticks / ticksPerSecond : null;
}
