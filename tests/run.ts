/**
 * Runs the tests and ends with one line, `N passed, N failed, N skipped`, and exit code 0 only if none
 * failed: `deno run -A tests/run.ts [what deno test takes]`.
 *
 * An interrupted run leaves nothing behind: the namespaces that its tests made (they carry the test
 * process's id in their names) are removed together with the processes in them.
 */

interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The last line of deno's report: `FAILED | 7 passed (2 steps) | 1 failed | 2 ignored (9ms)`. */
export function readSummary(report: string): Summary | null {
  // deno-lint-ignore no-control-regex
  const lines = report.replace(/\x1b\[[\d;]*m/g, "").split("\n");
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

async function main(args: readonly string[]): Promise<number> {
  const root = new URL("../", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...(args.length > 0 ? args : ["tests/"])],
    cwd: root,
    env: Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" },
    stdout: "piped",
  }).spawn();
  // The terminal sends Ctrl-C to the child as well; we stay to count and to clean up.
  let interrupted: Deno.Signal | null = null;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      interrupted = signal;
      if (signal === "SIGINT") return;
      try {
        child.kill(signal);
      } catch {
        // It has ended already.
      }
    });
  }
  const report = await tee(child.stdout);
  const { code } = await child.status;
  if (interrupted !== null) await removeNamespaces(child.pid);
  const { passed, failed, skipped } = outcomeOf(readSummary(report), code);
  if (interrupted !== null) console.log(`interrupted by ${interrupted}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return interrupted !== null ? 130 : failed > 0 ? 1 : 0;
}

/** Passes a stream on to standard output; its end, where the summary stands. */
async function tee(stream: ReadableStream<Uint8Array>): Promise<string> {
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
