/** Builds modules outside the kernel's tree, with warnings as errors. */
import { cacheFolder, digest, locked, remove } from "./cache.ts";
import type { Kernel } from "./obtain.ts";
import { CommandFailure, exists, run, say, which } from "./process.ts";

export interface ModuleSource {
  /** The module's name, as in `obj-m := NAME.o`. */
  readonly name: string;
  /** The folder of its Kbuild; its files are copied, folders in it are not. */
  readonly folder: string;
  /** Files that are copied beside them. */
  readonly shared?: readonly string[];
  /** Generated files that are put beside them: their contents by their names. */
  readonly generated?: Readonly<Record<string, string>>;
  /** For make, beside those that the kernel's build takes. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** The compiler did not accept a module; the message is what it said. */
export class BuildFailure extends Error {
  override readonly name = "BuildFailure";
}

const dayMs = 86_400_000;

/** What a build says of its surroundings, not of the module. */
const harmless = [
  /^warning: the compiler differs from the one used to build the kernel/,
  /Skipping BTF generation/,
];

/**
 * Builds a module for a kernel. It is built anew only if its source, the kernel, the compiler or a
 * variable has changed.
 * @returns The path of the .ko.
 * @throws {BuildFailure} If the compiler or the linker warns or fails.
 */
export function buildModule(kernel: Kernel, source: ModuleSource): Promise<string> {
  return locked(`build-${kernel.spec.name}`, () => buildUnlocked(kernel, source));
}

async function buildUnlocked(kernel: Kernel, source: ModuleSource): Promise<string> {
  const variables = Object.entries(source.variables ?? {}).map((pair) => pair.join("="));
  const variant = [source.name, ...variables].join("-").replace(/[^\w.-]/g, "_");
  const folder = `${cacheFolder}/build/${kernel.spec.name}/${variant}`;
  const files = readSource(source);
  const make = [...makeArguments(kernel), ...variables];
  const stamp = await digest(
    ...["stripped", kernel.identity, await compilerVersion(), ...make],
    ...[...files].flat(),
  );
  // Named by what went into it: another run that builds a changed source does not take it away.
  const results = `${cacheFolder}/modules/${kernel.spec.name}`;
  const object = `${results}/${stamp.slice(0, 16)}/${source.name}.ko`;
  if (exists(object)) return object;
  await remove(folder);
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await Deno.writeFile(`${folder}/${name}`, bytes);
  say(`${kernel.spec.name}: building ${variant}`);
  const output = await runMake(kernel, folder, make).catch((error) => {
    throw error instanceof CommandFailure ? failure(kernel, variant, error.output) : error;
  });
  const warnings = warningsIn(output);
  if (warnings.length > 0) throw failure(kernel, variant, warnings.join("\n"));
  const built = `${folder}/${source.name}.ko`;
  if (!exists(built)) throw failure(kernel, variant, `no ${source.name}.ko came of it: ${output}`);
  // Debugging information is most of it, and would be packed into every guest.
  await run("strip", ["--strip-debug", built]);
  await removeOld(results);
  await Deno.mkdir(object.slice(0, object.lastIndexOf("/")), { recursive: true });
  await Deno.rename(built, object);
  return object;
}

/** Removes what was built more than a day ago. */
async function removeOld(results: string): Promise<void> {
  await Deno.mkdir(results, { recursive: true });
  for (const { name } of Deno.readDirSync(results)) {
    const builtAtMs = Deno.statSync(`${results}/${name}`).mtime?.getTime() ?? 0;
    if (Date.now() - builtAtMs > dayMs) await remove(`${results}/${name}`);
  }
}

function failure(kernel: Kernel, name: string, output: string): BuildFailure {
  return new BuildFailure(`building ${name} for Linux ${kernel.release}:\n${output.trimEnd()}`);
}

/** Lines of a build that complain about the module. */
export function warningsIn(output: string): string[] {
  return output.split("\n").filter((line) =>
    /\bwarning\b/i.test(line) && !harmless.some((pattern) => pattern.test(line))
  );
}

/** The files of a module by their names in the build folder. */
function readSource(source: ModuleSource): Map<string, Uint8Array<ArrayBuffer>> {
  const inside = [...Deno.readDirSync(source.folder)]
    .filter((entry) => entry.isFile && /^(Kbuild|Makefile|.*\.[chS])$/.test(entry.name))
    .filter((entry) => !entry.name.endsWith(".mod.c"))
    .map((entry) => `${source.folder}/${entry.name}`);
  const files = new Map(
    [...inside, ...source.shared ?? []].toSorted().map((path) => [
      path.slice(path.lastIndexOf("/") + 1),
      Deno.readFileSync(path),
    ]),
  );
  for (const [name, text] of Object.entries(source.generated ?? {})) {
    files.set(name, new TextEncoder().encode(text));
  }
  return files;
}

function makeArguments(kernel: Kernel): string[] {
  const usr = kernel.spec.buildRoot === "private" ? "/usr" : `${kernel.tree}/usr`;
  return [
    ...["-C", `${usr}/src/linux-headers-${kernel.release}`, "-j2", "modules"],
    // A private root has the compiler that the headers name.
    ...(kernel.spec.buildRoot === "private" ? ["DEB_BUILD_ARCH=amd64"] : [`CC=${hostCompiler()}`]),
    ...["KCFLAGS=-Werror", "W=1"],
    // It would need the kernel's debugging information, which is not there.
    "CONFIG_DEBUG_INFO_BTF_MODULES=",
  ];
}

/** The one that most of these kernels were built with, or this system's own. */
function hostCompiler(): string {
  return which("gcc-12") ?? which("gcc") ?? "gcc";
}

async function compilerVersion(): Promise<string> {
  return (await run(hostCompiler(), ["-dumpfullversion"])).out;
}

/** Runs make where modules for this kernel are built. */
async function runMake(kernel: Kernel, folder: string, make: readonly string[]): Promise<string> {
  if (kernel.spec.buildRoot === "host") return (await run("make", [...make, `M=${folder}`])).both;
  const script = new URL("./in_root.sh", import.meta.url).pathname;
  const inRoot = ["--mount", "sh", script, kernel.tree, folder];
  return (await run("unshare", [...inRoot, "make", ...make, "M=/m"])).both;
}
