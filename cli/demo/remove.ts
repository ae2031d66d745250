/**
 * Removes a lab. What belongs to it is found by its id alone (recorded processes, namespaces by
 * their prefix, its directory), so the same code serves a normal end, a failure half way through
 * building, and `avail demo --remove` from another process. It may be repeated.
 */
import { AvailError } from "../../lib/errors.ts";
import { endRecorded } from "./processes.ts";
import { tool } from "./tool.ts";
import type { LabNames } from "./topology.ts";

/** @throws AvailError that names everything that could not be removed. */
export async function removeLab(names: LabNames): Promise<void> {
  const failures: string[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      failures.push((error as Error).message);
    }
  };
  await attempt(() => endRecorded(names.directory));
  for (const mount of await mountsOf(names)) await attempt(() => unmountPins(mount));
  for (const namespace of await namespacesOf(names)) {
    await attempt(() => tool(["ip", "netns", "del", namespace]));
  }
  // A directory with a mount left in it stays, so that another attempt can find it.
  if ((await mountsOf(names)).length === 0) {
    await attempt(() => removeTree(names.directory));
  }
  const left = await leftovers(names);
  if (left.length > 0) failures.push(`left behind: ${left.join(", ")}`);
  if (failures.length > 0) {
    throw new AvailError(`removing lab ${names.id}: ${failures.join("; ")}`);
  }
}

/** What exists of a lab, in words; empty where there is nothing. */
export async function leftovers(names: LabNames): Promise<string[]> {
  const found = [...await namespacesOf(names), ...await mountsOf(names)];
  if (await exists(names.directory)) found.push(names.directory);
  return found;
}

/**
 * Deletes what is pinned below `directory`. Unmounting alone would not do: every process that was
 * started by `ip netns exec` has a copy of the mount, and pins live as long as any copy.
 */
export async function removePins(directory: string): Promise<void> {
  for await (const entry of Deno.readDir(directory)) {
    // No pin's name has a dot: these are the file system's own (maps.debug, progs.debug).
    if (!entry.name.includes(".")) {
      await Deno.remove(`${directory}/${entry.name}`, { recursive: true });
    }
  }
}

async function unmountPins(directory: string): Promise<void> {
  await removePins(directory);
  await tool(["umount", directory]);
}

async function namespacesOf(names: LabNames): Promise<string[]> {
  const all = await tool(["ip", "netns", "list"]);
  return all.split("\n").map((line) => line.split(" ")[0]).filter((name) =>
    name.startsWith(names.prefix)
  );
}

/** Mount points below the lab's directory (proc_pid_mounts(5)). */
async function mountsOf(names: LabNames): Promise<string[]> {
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  return mounts.split("\n").map((line) => line.split(" ")[1]).filter((path) =>
    path?.startsWith(`${names.directory}/`)
  );
}

async function removeTree(directory: string): Promise<void> {
  if (await exists(directory)) await Deno.remove(directory, { recursive: true });
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
