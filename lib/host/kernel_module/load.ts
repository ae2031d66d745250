/** Loads the module into the running kernel, and takes it out. */
import { AvailError } from "../../errors.ts";
import { moduleDevices } from "./devices.ts";
import { kernelFacts, moduleName, runningRelease } from "./kernel_facts.ts";
import { judgeLoadFailure } from "./load_failure.ts";
import { loadObstacles, type Obstacle } from "./obstacles.ts";
import { findTool, runTool, toolFolders } from "./tools.ts";
import { Tree } from "./tree.ts";

/** What was done; null: there was nothing to do. */
export interface Loading {
  readonly changed: boolean;
  /** Of the module that is, or was, in the kernel; null where it does not say. */
  readonly version: string | null;
}

/** Throws `AvailError` that names the obstacle and its remedy. */
export function loadModule(): Loading {
  const kernel = runningKernel();
  if (kernel.loaded !== null) return { changed: false, version: kernel.loaded.version };
  const [obstacle] = loadObstacles(kernel);
  if (obstacle !== undefined) throw failure("load", obstacle);
  if (kernel.installed === null) {
    throw new AvailError(
      `load ${moduleName}: it is not installed for Linux ${kernel.release}; ` +
        "build it: avail kmod build",
    );
  }
  requireRoot("load");
  const before = new Set(kernelLog());
  const { code, stderr } = runTool([requireTool("modprobe"), moduleName]);
  const { loaded } = runningKernel();
  if (code === 0 && loaded !== null) return { changed: true, version: loaded.version };
  const log = kernelLog().filter((line) => !before.has(line))
    .map((line) => line.replace(/^\[[^\]]*\] /, "")); // the time
  throw failure("load", judgeLoadFailure(kernel, stderr, log));
}

/**
 * Throws `AvailError` while there are devices of the module: the kernel would remove them with it, and
 * their addresses.
 */
export function unloadModule(): Loading {
  const { loaded } = runningKernel();
  if (loaded === null) return { changed: false, version: null };
  requireRoot("unload");
  const devices = moduleDevices();
  if (devices.length > 0) {
    const names = devices.map(({ name, namespace }) =>
      namespace === null ? name : `${name} (in ${namespace})`
    );
    throw new AvailError(
      `unload ${moduleName}: it serves ${names.join(", ")}; stop avail run, then remove ` +
        `${devices.length === 1 ? "it" : "them"}: ip link delete ${devices[0].name}`,
    );
  }
  const { code, stderr } = runTool([requireTool("rmmod"), moduleName]);
  if (code === 0) return { changed: true, version: loaded.version };
  const users = new Tree().readText(`/sys/module/${moduleName}/refcnt`)?.trim() ?? "0";
  throw new AvailError(
    users === "0"
      ? `unload ${moduleName}: ${stderr.trim()}`
      : `unload ${moduleName}: it is in use ${users} times (/dev/${moduleName} is open, or devices ` +
        "are in namespaces that cannot be seen from here); stop avail run",
  );
}

function runningKernel() {
  const tree = new Tree();
  const release = runningRelease(tree);
  if (release === null) throw new AvailError("look for the kernel: /proc is not mounted");
  return kernelFacts(tree, release);
}

function failure(verb: string, { problem, remedy }: Obstacle): AvailError {
  return new AvailError(`${verb} ${moduleName}: ${problem}; ${remedy}`);
}

function requireRoot(verb: string): void {
  if (Deno.uid() === 0) return;
  throw new AvailError(`${verb} ${moduleName}: user ${Deno.uid()} may not; run as root`);
}

function requireTool(name: string): string {
  const path = findTool(toolFolders(), name);
  if (path === null) throw new AvailError(`find ${name}: not there; install the package kmod`);
  return path;
}

/** The kernel's log; empty where it may not be read. */
function kernelLog(): string[] {
  const program = findTool(toolFolders(), "dmesg");
  return program === null ? [] : runTool([program]).stdout.split("\n").filter(Boolean);
}
