/** Boots a kernel in an emulator, runs one script in it and returns what it printed. */
import { cacheFolder } from "./cache.ts";
import { imageOf, type Kernel } from "./obtain.ts";
import { exists } from "./process.ts";

export interface Machine {
  readonly kernel: Kernel;
  /** From packInitramfs. */
  readonly initramfs: string;
  /** The script's path in the guest. */
  readonly script: string;
  /** Names the files of this run: `.cache/vm/runs/LABEL.console` and `.log`. */
  readonly label: string;
  /** Default: 256. */
  readonly memoryMb?: number;
  /** Processors; default: 1. */
  readonly smp?: number;
  /** More of the kernel's command line. */
  readonly commandLine?: readonly string[];
  /** More arguments of QEMU, such as `-icount shift=0,sleep=off`. */
  readonly qemuArgs?: readonly string[];
  readonly deadlineMs: number;
  /** Called with every line of the console as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface Run {
  /** Exit code of the script; null if the guest stopped before its end. */
  readonly code: number | null;
  /** Whether the guest was stopped because it took longer than allowed. */
  readonly isHung: boolean;
  /** What the script printed. */
  readonly console: string;
  /** The kernel's log, from the first line on. */
  readonly log: string;
  readonly ms: number;
}

const commandLine = [
  // Kernel messages go to the second port as they come, and the whole log at the end.
  ...["console=ttyS1", "loglevel=5", "log_buf_len=4M", "printk.devkmsg=on"],
  // Any crash ends the run at once.
  ...["panic=-1", "oops=panic"],
  // A slow emulator on a busy machine is no stall, and its late timer not a broken one.
  ...["rcupdate.rcu_cpu_stall_timeout=120", "watchdog_thresh=60", "tsc=reliable"],
  "no_timer_check",
  // The emulator translates a program anew for each place that it is loaded to.
  "norandmaps",
  ...["random.trust_cpu=on", "mitigations=off", "net.ifnames=0"],
];

/** @throws If QEMU itself cannot run. */
export async function boot(machine: Machine): Promise<Run> {
  const runs = `${cacheFolder}/runs`;
  await Deno.mkdir(runs, { recursive: true });
  sweep(runs);
  const logPath = `${runs}/${machine.label}-${Deno.pid}.new`;
  const start = performance.now();
  // setpriv: QEMU must not outlive us, however we end.
  const child = new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", "--", "qemu-system-x86_64", ...argumentsOf(machine, logPath)],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isHung = false;
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  const deadline = setTimeout(() => {
    isHung = true;
    kill();
  }, machine.deadlineMs);
  try {
    const complaint = new Response(child.stderr).text();
    const console = await readLines(child.stdout, machine.onLine);
    const { success } = await child.status;
    if (!success && !isHung) throw new Error(`running qemu-system-x86_64: ${await complaint}`);
    await complaint;
    const log = new TextDecoder().decode(await Deno.readFile(logPath));
    await Deno.writeTextFile(`${runs}/${machine.label}.console`, console);
    await Deno.writeTextFile(`${runs}/${machine.label}.log`, log);
    const code = /^@@RC (\d+)$/m.exec(console);
    return {
      code: code === null ? null : Number(code[1]),
      isHung,
      console,
      log,
      ms: performance.now() - start,
    };
  } finally {
    clearTimeout(deadline);
    kill();
    await child.status;
    await Deno.remove(logPath).catch(() => {});
  }
}

/** Removes the logs of runs that were killed half way. */
function sweep(runs: string): void {
  for (const { name } of Deno.readDirSync(runs)) {
    const pid = /-(\d+)\.new$/.exec(name)?.[1];
    if (pid !== undefined && !exists(`/proc/${pid}`)) Deno.removeSync(`${runs}/${name}`);
  }
}

function argumentsOf(machine: Machine, logPath: string): string[] {
  const append = [...commandLine, ...machine.commandLine ?? [], `avail.script=${machine.script}`];
  return [
    // Without cx16: QEMU 7.2's cmpxchg16b corrupts the flags, and SLUB relies on them. Without erms and
    // fsrm, copying is by words and vectors: string instructions are emulated byte by byte.
    ...["-accel", "tcg", "-cpu", "max,-cx16,-erms,-fsrm"],
    ...["-smp", `${machine.smp ?? 1}`, "-m", `${machine.memoryMb ?? 256}`],
    ...["-display", "none", "-nodefaults", "-no-user-config", "-no-reboot"],
    ...["-serial", "stdio", "-serial", `file:${logPath.replaceAll(",", ",,")}`],
    ...["-kernel", imageOf(machine.kernel), "-initrd", machine.initramfs],
    ...["-append", append.join(" "), ...machine.qemuArgs ?? []],
  ];
}

/** Reads a console to its end, without the carriage returns of a terminal. */
async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: ((line: string) => void) | undefined,
): Promise<string> {
  let all = "";
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text.replaceAll("\r", "")).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      all += `${line}\n`;
      onLine?.(line);
    }
  }
  return all + rest;
}
