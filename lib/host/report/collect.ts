/**
 * Gathers the parts of a report. Nothing here can fail as a whole: what is missing, hangs or refuses is
 * a part that says so, for that is often what the report is about.
 */
import { unreadable } from "../file_problem.ts";
import type { Part } from "../../report/pack.ts";
import { toolFolders } from "../kernel_module/tools.ts";
import { partBytesMax, type PartSource } from "./part.ts";

/** A machine in trouble is slow, and a report that never ends is none. */
const programMsMax = 15_000;

export async function collect(source: PartSource): Promise<Part> {
  try {
    if ("argv" in source) return await ofProgram(source.name, source.argv, source.keep ?? "first");
    if ("files" in source) return await ofFiles(source.name, source.files);
    const bytes = new TextEncoder().encode(await source.text());
    return { name: source.name, ...cut(bytes, "first"), problem: null };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { name: source.name, bytes: new Uint8Array(), problem };
  }
}

async function ofProgram(
  name: string,
  argv: readonly string[],
  end: "first" | "last",
): Promise<Part> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(argv[0], {
      args: argv.slice(1),
      clearEnv: true,
      env: { PATH: toolFolders().join(":"), LC_ALL: "C", TERM: "dumb", NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { name, bytes: new Uint8Array(), problem: `${argv[0]}: there is no such program` };
  }
  const output = await inTime(child);
  if (output === null) {
    return { name, bytes: new Uint8Array(), problem: `no end after ${programMsMax / 1000} s` };
  }
  const { stdout, stderr, code } = output;
  const { bytes, problem } = cut(concat([stdout, stderr]), end);
  return { name, bytes, problem: code === 0 ? problem : `exit code ${code}` };
}

/** null: it did not end, and is not waited for: a process that hangs in the kernel cannot be killed. */
async function inTime(child: Deno.ChildProcess): Promise<Deno.CommandOutput | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => timer = setTimeout(resolve, programMsMax, null));
  try {
    const output = await Promise.race([child.output(), late]);
    if (output === null) child.kill("SIGKILL");
    return output;
  } finally {
    clearTimeout(timer);
  }
}

/** Each file under its name, as `head` shows several. */
async function ofFiles(name: string, files: readonly string[]): Promise<Part> {
  const problems: string[] = [];
  const parts: Uint8Array[] = [];
  const encoder = new TextEncoder();
  for (const file of files) {
    try {
      const bytes = await Deno.readFile(file);
      const isLine = bytes.indexOf(10) === bytes.length - 1;
      if (isLine && files.length > 1) parts.push(encoder.encode(`${file} = `), bytes);
      else parts.push(encoder.encode(files.length > 1 ? `==> ${file} <==\n` : ""), bytes);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && files.length > 1) continue;
      problems.push(`${file}: ${unreadable(error, "").problem}`);
    }
  }
  const { bytes, problem } = cut(concat(parts), "first");
  return { name, bytes, problem: problems[0] ?? problem };
}

/**
 * At most `partBytesMax`, with a word about what was cut off. Whole lines: half a secret is harder to
 * find than a whole one.
 */
function cut(
  bytes: Uint8Array<ArrayBuffer>,
  end: "first" | "last",
): Pick<Part, "bytes" | "problem"> {
  if (bytes.length <= partBytesMax) return { bytes, problem: null };
  const kept = end === "first"
    ? bytes.slice(0, bytes.lastIndexOf(10, partBytesMax - 1) + 1)
    : bytes.slice(bytes.indexOf(10, bytes.length - partBytesMax) + 1);
  return { bytes: kept, problem: `only the ${end} ${partBytesMax} of ${bytes.length} bytes` };
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
