/** Builds the module for a kernel and installs it: carries out what plan.ts planned. */
import { AvailError } from "../../errors.ts";
import { type BuildOptions, describeStep, type Places, planBuild, type Step } from "./plan.ts";
import { type PackedSource, removeAll, unpackSource } from "./source.ts";
import { gatherFacts, type Target } from "./status.ts";
import { followTool } from "./tools.ts";
import { Tree } from "./tree.ts";

export interface BuildReport {
  /** What is done now. */
  step(text: string): void;
  /** A line that a program says meanwhile. */
  output(line: string): void;
}

export interface Built {
  readonly release: string;
  readonly version: string;
  /** What was done, or would be; none: it is installed already. */
  readonly steps: readonly string[];
}

/** So many of the lines that name an error are shown. */
const errorLinesMax = 12;

/**
 * Builds `source` and installs it. The same once more does nothing. Throws `AvailError`.
 *
 * @param isDryRun Only tells the steps.
 */
export async function buildModule(
  source: PackedSource,
  target: Target,
  options: BuildOptions,
  report: BuildReport,
  isDryRun = false,
): Promise<Built> {
  const facts = gatherFacts(target);
  const { release } = facts.kernel;
  const places = placesOf(new Tree(target.root), release, facts.build.headers);
  const steps = planBuild(facts, source, places, options);
  if (!isDryRun && steps.length > 0) await carryOut(steps, source, places, report);
  return { release, version: source.version, steps: steps.map(describeStep) };
}

async function carryOut(
  steps: readonly Step[],
  source: PackedSource,
  { root }: Places,
  report: BuildReport,
): Promise<void> {
  if (root === "" && Deno.uid() !== 0) {
    throw new AvailError(`build the module: user ${Deno.uid()} may not install it; run as root`);
  }
  const folder = `${root}/var/lib/avail/kmod`;
  Deno.mkdirSync(folder, { recursive: true, mode: 0o755 });
  // One at a time: a second build would find the first one's files half written.
  using lock = Deno.openSync(`${folder}/lock`, { create: true, write: true });
  await lock.lock(true);
  for (const step of steps) {
    report.step(describeStep(step));
    try {
      await perform(step, source, report);
    } catch (error) {
      if (error instanceof AvailError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new AvailError(`${describeStep(step)}: ${why}`, { cause: error });
    }
  }
}

async function perform(step: Step, source: PackedSource, report: BuildReport): Promise<void> {
  switch (step.kind) {
    case "unpack":
      return unpackSource(source, step.folder);
    case "run":
      return await performRun(step, report);
    case "install": {
      Deno.mkdirSync(step.to.slice(0, step.to.lastIndexOf("/")), { recursive: true });
      Deno.copyFileSync(step.from, `${step.to}.new`);
      Deno.chmodSync(`${step.to}.new`, 0o644);
      return Deno.renameSync(`${step.to}.new`, step.to);
    }
    case "remove":
      return removeAll(step.path);
  }
}

async function performRun(
  { argv, log, isOwnLog }: Step & { kind: "run" },
  report: BuildReport,
): Promise<void> {
  const lines: string[] = [];
  const code = await followTool(argv, (line) => {
    lines.push(line);
    report.output(line);
  });
  if (log !== null && !isOwnLog) Deno.writeTextFileSync(log, lines.join("\n") + "\n");
  if (code === 0) return;
  const said = isOwnLog && log !== null ? [...lines, ...readLines(log)] : lines;
  const where = log === null ? [] : [`all of it: ${log}`];
  throw new AvailError(
    [`run ${argv[0]}: exit code ${code}:`, ...errorLines(said), ...where].join("\n  "),
  );
}

/** Of a build's output the lines that tell why it failed; the last ones where none says so. */
export function errorLines(lines: readonly string[]): string[] {
  const telling = lines.filter((line) =>
    /\b(fatal )?error\b|\*\*\*|undefined!|No rule|not found|cannot|No such file/i.test(line)
  );
  return telling.length > 0 ? telling.slice(0, errorLinesMax) : lines.slice(-errorLinesMax);
}

function readLines(file: string): string[] {
  try {
    return Deno.readTextFileSync(file).split("\n");
  } catch {
    return [];
  }
}

function placesOf(tree: Tree, release: string, headers: string | null): Places {
  const folder = `/lib/modules/${release}`;
  return {
    root: tree.root,
    modules: tree.find(folder) ?? tree.root + folder,
    makefile: tree.root === "" || headers === null ? null : includedMakefile(tree, headers),
    signFile: headers !== null && isFile(`${headers}/scripts/sign-file`)
      ? `${headers}/scripts/sign-file`
      : null,
  };
}

/**
 * Debian's headers hold a Makefile of one line, which includes the common one by its absolute path. From
 * outside of their root that one has to be named itself.
 */
function includedMakefile(tree: Tree, headers: string): string | null {
  const text = Deno.readTextFileSync(`${headers}/Makefile`).trim();
  const path = /^include (\/\S+)$/.exec(text)?.[1];
  return path === undefined ? null : tree.find(path);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
