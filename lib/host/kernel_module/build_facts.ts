/** What building the module for a kernel takes, and what of it is here. Compilers are asked by running. */
import { type Compiler, compilerInWords, compilerOfKernel } from "./compiler.ts";
import { type KernelFacts, moduleName } from "./kernel_facts.ts";
import { findTool, runTool, toolNames } from "./tools.ts";
import type { Tree } from "./tree.ts";

export interface FoundCompiler extends Compiler {
  readonly path: string;
}

export interface BuildFacts {
  /** Folder of the kernel's headers, where this machine finds it. */
  readonly headers: string | null;
  /** The compiler that made the kernel; null where nothing tells. */
  readonly kernelCompiler: Compiler | null;
  /** All compilers here, of either kind. */
  readonly compilers: readonly FoundCompiler[];
  readonly make: string | null;
  readonly depmod: string | null;
  readonly strip: string | null;
  readonly dkms: string | null;
  /** Versions of our module that DKMS has, and whether it has built them for this kernel. */
  readonly dkmsVersions: readonly { readonly version: string; readonly isBuilt: boolean }[];
}

/**
 * @param folders Where programs are looked for.
 * @param headers Instead of those that /lib/modules/RELEASE/build leads to.
 */
export function buildFacts(
  tree: Tree,
  kernel: KernelFacts,
  folders: readonly string[],
  headers?: string,
): BuildFacts {
  const found = headers ?? tree.find(`/lib/modules/${kernel.release}/build`);
  const version = kernel.isRunning ? tree.readText("/proc/version") : null;
  return {
    headers: found !== null && isFile(`${found}/Makefile`) ? found : null,
    kernelCompiler: compilerOfKernel(kernel.config, version),
    compilers: compilersIn(folders),
    make: findTool(folders, "make"),
    depmod: findTool(folders, "depmod"),
    strip: findTool(folders, "strip"),
    dkms: findTool(folders, "dkms"),
    dkmsVersions: dkmsVersions(tree, kernel.release),
  };
}

/** DKMS keeps /var/lib/dkms/NAME/VERSION/RELEASE/ARCHITECTURE, and links of its own beside them. */
function dkmsVersions(tree: Tree, release: string): BuildFacts["dkmsVersions"] {
  const folder = `/var/lib/dkms/${moduleName}`;
  return tree.list(folder)
    .filter((version) => tree.exists(`${folder}/${version}/source`))
    .map((version) => ({ version, isBuilt: tree.exists(`${folder}/${version}/${release}`) }));
}

/** The compiler to build with: the kernel's own major version, or the one that somebody asks for. */
export function chooseCompiler(facts: BuildFacts, asked?: string): FoundCompiler | null {
  if (asked !== undefined) return identify(asked);
  const { kernelCompiler: wanted, compilers } = facts;
  if (wanted === null) return compilers.find(({ name }) => name === "gcc") ?? compilers[0] ?? null;
  return compilers.find(({ name, major }) => name === wanted.name && major === wanted.major) ??
    null;
}

function compilersIn(folders: readonly string[]): FoundCompiler[] {
  return toolNames(folders, /^(gcc|clang)(-\d+)?$/).flatMap((name) => {
    const path = findTool(folders, name);
    return path === null ? [] : identify(path) ?? [];
  });
}

/** Asks a program what compiler it is. */
function identify(path: string): FoundCompiler | null {
  // The first line of `gcc --version` names the program as it was called, and that may be cc.
  const { code, stdout, stderr } = runTool([path, "-v"]);
  const compiler = code === 0 ? compilerInWords(stdout + stderr) : null;
  return compiler && { path, ...compiler };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
