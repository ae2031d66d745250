/** The steps that build and install the module, from what is known of the machine. Pure. */
import { AvailError } from "../../errors.ts";
import { chooseCompiler, type FoundCompiler } from "./build_facts.ts";
import { isSet, type KernelFacts, moduleName } from "./kernel_facts.ts";
import { buildObstacles, type Obstacle } from "./obstacles.ts";
import type { PackedSource } from "./source.ts";
import type { Facts } from "./status.ts";

export type Step =
  /** Writes the source into a folder, which is replaced. */
  | { readonly kind: "unpack"; readonly folder: string }
  /** Runs a program; what it says goes into `log`, or is read from there where it writes it itself. */
  | {
    readonly kind: "run";
    readonly argv: readonly string[];
    readonly log: string | null;
    readonly isOwnLog: boolean;
  }
  /** Copies a file into place in one step. */
  | { readonly kind: "install"; readonly from: string; readonly to: string }
  /** Removes a file or a folder, where it is there. */
  | { readonly kind: "remove"; readonly path: string };

export interface BuildOptions {
  /** A compiler instead of the one with the kernel's major version. */
  readonly compiler?: string;
  /** Default: where DKMS is installed. */
  readonly dkms?: boolean;
  /** Also if the same version is installed. */
  readonly force?: boolean;
  /** How many compilers may run at a time. */
  readonly jobs: number;
}

/** Where things go; all of them paths of this machine. */
export interface Places {
  /** Empty for the machine itself. */
  readonly root: string;
  /** The folder /lib/modules/RELEASE. */
  readonly modules: string;
  /** Makefile of the headers, where the headers' own names a path that is right only inside the root. */
  readonly makefile: string | null;
  /** The kernel's program that signs a module; null where the headers are without. */
  readonly signFile: string | null;
}

/** Whether the module that is installed is of this source, for this kernel, and can be found. */
function isCurrent({ kernel, build }: Facts, version: string): boolean {
  const { installed, release } = kernel;
  if (installed === null || !installed.isIndexed) return false;
  if (installed.release !== null && installed.release !== release) return false;
  if (installed.version !== null) return installed.version === version;
  return build.dkmsVersions.some((known) => known.version === version && known.isBuilt);
}

/** Throws `AvailError` with every obstacle where it cannot be built. */
export function planBuild(
  facts: Facts,
  source: PackedSource,
  places: Places,
  options: BuildOptions,
): Step[] {
  if (!options.force && isCurrent(facts, source.version)) return [];
  const { kernel, build } = facts;
  const obstacles = buildObstacles(kernel, build).filter(({ kind }) =>
    !(kind.startsWith("compiler") && options.compiler !== undefined)
  );
  if (obstacles.length > 0) throw cannotBuild(kernel.release, obstacles);
  const useDkms = options.dkms ?? (build.dkms !== null && places.root === "");
  if (!useDkms) return makeSteps(facts, source, places, options);
  if (places.root !== "") {
    throw new AvailError(`build for ${places.root} with DKMS: it works on its own system only`);
  }
  if (build.dkms === null) {
    throw new AvailError(
      `build with DKMS: it is not installed; ${kernel.distribution.toInstall("dkms")}`,
    );
  }
  return dkmsSteps(facts, build.dkms, source, places);
}

function cannotBuild(release: string, obstacles: readonly Obstacle[]): AvailError {
  const list = obstacles.map(({ problem, remedy }) => `${problem}; ${remedy}`);
  return new AvailError([`build ${moduleName} for Linux ${release}:`, ...list].join("\n  "));
}

/** By make against the kernel's headers, in a folder of our own. */
function makeSteps(
  { kernel, build }: Facts,
  { version }: PackedSource,
  { root, modules, makefile, signFile }: Places,
  { compiler: asked, jobs }: BuildOptions,
): Step[] {
  const { release } = kernel;
  const compiler = chooseCompiler(build, asked);
  if (compiler === null) {
    throw new AvailError(`build with ${asked}: this is no gcc or clang that can be run`);
  }
  const folder = `${root}/var/lib/avail/kmod/${version}-${release}`;
  const built = `${folder}/${moduleName}.ko`;
  const make = [
    ...[build.make!, "-C", build.headers!],
    ...(makefile === null ? [] : ["-f", makefile]),
    ...[`-j${jobs}`, `M=${folder}`, ...compilerWords(compiler, kernel)],
    // Type information would need pahole and vmlinux, and nobody reads the module's.
    ...["CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"],
  ];
  const steps: Step[] = [
    { kind: "unpack", folder },
    { kind: "run", argv: make, log: `${folder}/build.log`, isOwnLog: false },
  ];
  if (build.strip !== null) steps.push(run(build.strip, "--strip-debug", built));
  const { signingKey } = kernel;
  if (kernel.needsSignature && signingKey !== null && signFile !== null) {
    const hash = /^CONFIG_MODULE_SIG_HASH="(\w+)"$/m.exec(kernel.config ?? "")?.[1] ?? "sha256";
    steps.push(run(signFile, hash, root + signingKey.key, root + signingKey.certificate, built));
  }
  // Two of the same name, and depmod might take the other one.
  if (build.dkms !== null && root === "") {
    for (const { version: known } of build.dkmsVersions) {
      steps.push(run(build.dkms, "remove", `${moduleName}/${known}`, "--all"));
    }
  }
  steps.push({ kind: "install", from: built, to: `${modules}/updates/${moduleName}.ko` });
  steps.push(depmod(build.depmod!, root, release));
  return steps;
}

/** DKMS builds it again for each new kernel, and signs it where that is needed. */
function dkmsSteps(
  { kernel, build }: Facts,
  dkms: string,
  { version }: PackedSource,
  { modules }: Places,
): Step[] {
  const { release, installed } = kernel;
  const known = build.dkmsVersions.map(({ version }) => version);
  const name = `${moduleName}/${version}`;
  const remove = (old: string) => run(dkms, "remove", `${moduleName}/${old}`, "--all");
  const steps: Step[] = [];
  if (known.includes(version)) steps.push(remove(version));
  steps.push({ kind: "unpack", folder: `/usr/src/${moduleName}-${version}` });
  steps.push(run(dkms, "add", name));
  steps.push({
    kind: "run",
    argv: [dkms, "build", name, "-k", release],
    log: `/var/lib/dkms/${name}/build/make.log`,
    isOwnLog: true,
  });
  // Only now, so that what is installed stays where the new one cannot be built.
  for (const old of known.filter((old) => old !== version)) {
    steps.push(remove(old), { kind: "remove", path: `/usr/src/${moduleName}-${old}` });
  }
  const own = `/lib/modules/${release}/updates/${moduleName}.ko`;
  if (installed?.path === own) {
    steps.push({ kind: "remove", path: `${modules}/updates/${moduleName}.ko` });
  }
  steps.push(run(dkms, "install", name, "-k", release, "--force"));
  return steps;
}

function run(...argv: string[]): Step {
  return { kind: "run", argv, log: null, isOwnLog: false };
}

function depmod(program: string, root: string, release: string): Step {
  return run(program, ...(root === "" ? [] : ["-b", root]), release);
}

function compilerWords({ name, path }: FoundCompiler, { config }: KernelFacts): string[] {
  const withLlvm = name === "clang" && isSet(config, "CONFIG_LD_IS_LLD");
  return [`CC=${path}`, ...(withLlvm ? ["LLVM=1"] : [])];
}

/** A step in words, as it is told. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case "unpack":
      return `write the source to ${step.folder}`;
    case "run":
      return `run ${step.argv.join(" ")}`;
    case "install":
      return `install ${step.to}`;
    case "remove":
      return `remove ${step.path}`;
  }
}
