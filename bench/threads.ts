/**
 * What the threads of a daemon have taken of the processors: /proc/PID/task/TID/schedstat
 * (Documentation/scheduler/sched-stats.rst), whose first number is what utime and stime add up to, in
 * nanoseconds instead of hundredths of a second.
 */

export interface ThreadTime {
  /** On a processor. */
  readonly cpuMs: number;
  /** Ready to run, and not run. */
  readonly waitMs: number;
  /** How many times it was run. */
  readonly runs: number;
}

export interface DaemonTime {
  /** The core's thread: the one in real time. */
  readonly core: ThreadTime;
  /** The one that replicates and answers the control socket. */
  readonly main: ThreadTime;
  /** The runtime's helpers. */
  readonly rest: ThreadTime;
}

const nothing: ThreadTime = { cpuMs: 0, waitMs: 0, runs: 0 };

/** @throws Error where the process has no thread in real time: this machine does not allow it. */
export async function daemonTime(pid: number): Promise<DaemonTime> {
  let core: ThreadTime | null = null, main = nothing, rest = nothing;
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const read = await threadTime(`/proc/${pid}/task/${name}`);
    if (read === null) continue;
    if (read.isRealtime) core = combine(core ?? nothing, read.time, 1);
    else if (Number(name) === pid) main = read.time;
    else rest = combine(rest, read.time, 1);
  }
  if (core === null) throw new Error(`process ${pid} has no thread in real time`);
  return { core, main, rest };
}

export function timeBetween(from: DaemonTime, to: DaemonTime): DaemonTime {
  return {
    core: combine(to.core, from.core, -1),
    main: combine(to.main, from.main, -1),
    rest: combine(to.rest, from.rest, -1),
  };
}

/** null: it ended meanwhile. */
async function threadTime(
  task: string,
): Promise<{ isRealtime: boolean; time: ThreadTime } | null> {
  try {
    const [cpuNs, waitNs, runs] = (await Deno.readTextFile(`${task}/schedstat`)).split(" ")
      .map(Number);
    const stat = await Deno.readTextFile(`${task}/stat`);
    // The field before is in parentheses and may contain anything; 41 is the policy, 0 the normal one.
    const policy = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[41 - 3]);
    return { isRealtime: policy !== 0, time: { cpuMs: cpuNs / 1e6, waitMs: waitNs / 1e6, runs } };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function combine(a: ThreadTime, b: ThreadTime, sign: 1 | -1): ThreadTime {
  return {
    cpuMs: a.cpuMs + sign * b.cpuMs,
    waitMs: a.waitMs + sign * b.waitMs,
    runs: a.runs + sign * b.runs,
  };
}
