/** How it stands with the module on this machine, or on the system of another root. */
import { AvailError } from "../../errors.ts";
import { type BuildFacts, buildFacts, chooseCompiler } from "./build_facts.ts";
import { describeCompiler } from "./compiler.ts";
import {
  type InstalledModule,
  type KernelFacts,
  kernelFacts,
  runningRelease,
} from "./kernel_facts.ts";
import { buildObstacles, loadObstacles, type Obstacle, unsigned } from "./obstacles.ts";
import { toolFolders } from "./tools.ts";
import { Tree } from "./tree.ts";

/** Which kernel is asked about, and of which system. */
export interface Target {
  /** Its root folder; default `/`. */
  readonly root?: string;
  /** The kernel's release; default: the running one. */
  readonly release?: string;
  /** Folder of its headers, instead of /lib/modules/RELEASE/build. */
  readonly headers?: string;
  /** Where programs are looked for; default: as the environment says. */
  readonly toolFolders?: readonly string[];
}

export interface Facts {
  readonly kernel: KernelFacts;
  readonly build: BuildFacts;
}

/**
 * `loaded`: in the kernel. `loadable`: installed, and nothing known is in its way. `buildable`: it can be
 * built and loaded then. `impossible`: see the obstacles.
 */
export type ModuleState = "loaded" | "loadable" | "buildable" | "impossible";

/** `avail kmod status --json` (docs/operating.md). */
export interface ModuleStatus {
  readonly schema: 1;
  readonly state: ModuleState;
  /** The kernel that it is about. */
  readonly release: string;
  /** Of the source in this program. */
  readonly version: string;
  /** `version` is null where the module does not say. */
  readonly loaded: { readonly version: string | null } | null;
  readonly installed: InstalledModule | null;
  readonly headers: string | null;
  /** The compiler that would be used, such as `gcc 12`. */
  readonly compiler: string | null;
  readonly kernelCompiler: string | null;
  readonly dkms: boolean;
  readonly secureBoot: boolean | null;
  readonly lockdown: string | null;
  readonly needsSignature: boolean;
  readonly obstacles: readonly Obstacle[];
}

/** Reads the machine; runs the compilers to ask for their versions. Throws `AvailError`. */
export function gatherFacts(target: Target = {}): Facts {
  const tree = new Tree(target.root);
  const release = target.release ?? runningRelease(tree);
  if (release === null) {
    throw new AvailError(
      `look for a kernel in ${target.root}: none runs there; name one with --kernel RELEASE`,
    );
  }
  const kernel = kernelFacts(tree, release, target.headers);
  const folders = target.toolFolders ?? toolFolders();
  return { kernel, build: buildFacts(tree, kernel, folders, target.headers) };
}

/** @param version The version of the source that would be built. */
export function judgeModule({ kernel, build }: Facts, version: string): ModuleStatus {
  const compiler = chooseCompiler(build);
  const { state, obstacles } = stateOf({ kernel, build });
  return {
    schema: 1,
    state,
    release: kernel.release,
    version,
    loaded: kernel.loaded,
    installed: kernel.installed,
    headers: build.headers,
    compiler: compiler && describeCompiler(compiler),
    kernelCompiler: build.kernelCompiler && describeCompiler(build.kernelCompiler),
    dkms: build.dkms !== null,
    secureBoot: kernel.secureBoot,
    lockdown: kernel.lockdown,
    needsSignature: kernel.needsSignature,
    obstacles,
  };
}

function stateOf({ kernel, build }: Facts): { state: ModuleState; obstacles: Obstacle[] } {
  if (kernel.loaded !== null) return { state: "loaded", obstacles: [] };
  const toLoad = loadObstacles(kernel);
  if (kernel.installed !== null && toLoad.length === 0) return { state: "loadable", obstacles: [] };
  const toBuild = buildObstacles(kernel, build);
  // What a new build mends is no obstacle to it, if it can be built.
  const lasting = toLoad.filter(({ kind }) => kind === "modulesLocked");
  const needsKey = kernel.needsSignature && kernel.signingKey === null && build.dkms === null;
  const unmended = needsKey ? [unsigned(kernel)] : [];
  const obstacles = [...lasting, ...toBuild, ...unmended];
  if (obstacles.length === 0) return { state: "buildable", obstacles: toLoad };
  const known = new Set(obstacles.map(({ kind }) => kind));
  return {
    state: "impossible",
    obstacles: [...obstacles, ...toLoad.filter(({ kind }) => !known.has(kind))],
  };
}
