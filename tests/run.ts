/**
 * Runs the tests and ends with one line, `N passed, N failed, N skipped`, and exit code 0 only if none
 * failed: `deno run -A tests/run.ts [what deno test takes]`.
 *
 * All tests are three lanes side by side: what watches real clusters, and waits most of the time; what sets
 * whole machines up; and what computes, with what the others leave of the processors. Each lane's
 * report follows when the one before is over. The emulated machines come last and have all to themselves.
 *
 * An interrupted run leaves nothing behind: the namespaces that its tests made (they carry the test
 * process's id in their names) are removed together with the processes in them.
 */
import { withoutColours } from "../cli/render.ts";

interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The last line of deno's report: `FAILED | 7 passed (2 steps) | 1 failed | 2 ignored (9ms)`. */
export function readSummary(report: string): Summary | null {
  const lines = withoutColours(report).split("\n");
  const line = lines.findLast((line) => /^(ok|FAILED) \| \d+ passed\b/.test(line));
  if (line === undefined) return null;
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}\\b`).exec(line)?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), skipped: count("ignored") };
}

/** What is reported of a run that ended with `code`: a runner that broke is a failed test, too. */
export function outcomeOf(summary: Summary | null, code: number): Summary {
  const { passed, failed, skipped } = summary ?? { passed: 0, failed: 0, skipped: 0 };
  return { passed, failed: code === 0 ? failed : Math.max(1, failed), skipped };
}

/** What a lane gives deno test, and what it is started by. */
interface Lane {
  readonly by: readonly string[];
  readonly args: readonly string[];
}

const clusters = "tests/netns";
const emulated = "tests/vm/vm_test.ts";
const machines = [
  "tests/story",
  ...["doctor", "observe", "openrc", "setup", "setup_systemd", "systemd", "sysv", "uninstall"]
    .map((name) => `${clusters}/${name}_test.ts`),
];

/** Lanes that run side by side, one stage after the other. */
export function stagesOf(args: readonly string[]): Lane[][] {
  if (args.length > 0) return [[{ by: [], args }]];
  const ignore = (paths: readonly string[]) => `--ignore=${paths.join(",")}`;
  return [
    [
      { by: [], args: [clusters, ignore(machines)] },
      { by: ["nice", "-n", "10"], args: machines },
      { by: ["nice", "-n", "19"], args: ["tests/", ignore([clusters, emulated, ...machines])] },
    ],
    [{ by: [], args: [emulated] }],
  ];
}

async function main(args: readonly string[]): Promise<number> {
  // The terminal sends Ctrl-C to the children as well; we stay to count and to clean up.
  let interrupted: Deno.Signal | null = null;
  let children: Deno.ChildProcess[] = [];
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      interrupted = signal;
      if (signal === "SIGINT") return;
      for (const child of children) {
        try {
          child.kill(signal);
        } catch {
          // It has ended already.
        }
      }
    });
  }
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const lanes of stagesOf(args)) {
    if (interrupted !== null) break;
    children = lanes.map(start);
    const reports = children.map(({ stdout }) => pieces(stdout));
    for (const [i, child] of children.entries()) {
      const end = await show(reports[i]);
      const { code } = await child.status;
      if (interrupted !== null) await removeNamespaces(child.pid);
      const { passed, failed, skipped } = outcomeOf(readSummary(end), code);
      total.passed += passed;
      total.failed += failed;
      total.skipped += skipped;
    }
  }
  if (interrupted !== null) console.log(`interrupted by ${interrupted}`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return interrupted !== null ? 130 : total.failed > 0 ? 1 : 0;
}

function start({ by, args }: Lane): Deno.ChildProcess {
  const [program, ...words] = [...by, Deno.execPath(), "test", "-A", ...args];
  return new Deno.Command(program, {
    args: words,
    cwd: new URL("../", import.meta.url).pathname,
    env: Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" },
    stdout: "piped",
  }).spawn();
}

/** A stream that is read from now on, also while nobody looks at it. */
function pieces(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const kept = new TransformStream<Uint8Array, Uint8Array>({}, {}, { highWaterMark: Infinity });
  stream.pipeTo(kept.writable);
  return kept.readable;
}

/** Passes a stream on to standard output; its end, where the summary stands. */
async function show(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let end = "";
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) at += await Deno.stdout.write(chunk.subarray(at));
    end = (end + decoder.decode(chunk, { stream: true })).slice(-65536);
  }
  return end;
}

async function removeNamespaces(pid: number): Promise<void> {
  const ours = (await output("ip", "netns", "list")).split("\n")
    .map((line) => line.split(" ")[0])
    .filter((name) => name.split(/\D+/).includes(String(pid)));
  for (const name of ours) {
    for (const inside of (await output("ip", "netns", "pids", name)).split("\n").filter(Boolean)) {
      try {
        Deno.kill(Number(inside), "SIGKILL");
      } catch {
        // It went by itself.
      }
    }
    await output("ip", "netns", "del", name);
  }
}

async function output(name: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(name, { args, stderr: "null" }).output();
    return new TextDecoder().decode(stdout);
  } catch {
    return "";
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
