/**
 * Where the datapath is pinned: a directory in a bpf file system, which outlives the daemon.
 *
 * `RUN_DIR/bpf` if that is one already; else a directory in /sys/fs/bpf, which a service with a mount
 * namespace of its own shares with its successor; else one that is mounted at `RUN_DIR/bpf`.
 */
import { mount, unmount } from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { AvailError } from "../errors.ts";
import type { UndoLog } from "./undo_log.ts";

const systemBpfFs = "/sys/fs/bpf";

/** The directory for this daemon's pins, made if needed. A mount is written down first. */
export function preparePinDirectory(runDir: string, undo: UndoLog): string {
  const own = `${runDir}/bpf`;
  const mounted = bpfMounts();
  if (mounted.has(own)) return own;
  if (mounted.has(systemBpfFs)) {
    const path = systemDirectory(runDir);
    try {
      Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
      return path;
    } catch (error) {
      // Read-only for this service, perhaps: then it gets one of its own.
      if (!(error instanceof Error)) throw error;
    }
  }
  Deno.mkdirSync(own, { recursive: true, mode: 0o700 });
  undo.record({ kind: "mount", path: own });
  try {
    mount("bpf", own, "bpf");
  } catch (cause) {
    undo.forget({ kind: "mount", path: own });
    if (!(cause instanceof SystemError)) throw cause;
    throw new AvailError(`mount a bpf file system on ${own}: ${cause.message}`, { cause });
  }
  return own;
}

/** The directory that an earlier daemon's pins are in, or null. */
export function findPinDirectory(runDir: string): string | null {
  const own = `${runDir}/bpf`;
  const mounted = bpfMounts();
  if (mounted.has(own)) return own;
  const path = systemDirectory(runDir);
  return mounted.has(systemBpfFs) && isDirectory(path) ? path : null;
}

/** Removes all pins, the directory, and the mount if the log says that it was made for them. */
export function removePinDirectory(path: string, undo: UndoLog): void {
  for (const name of pinNames(path)) {
    const entry = `${path}/${name}`;
    if (isDirectory(entry)) {
      for (const inner of pinNames(entry)) Deno.removeSync(`${entry}/${inner}`);
    }
    Deno.removeSync(entry);
  }
  if (path.startsWith(`${systemBpfFs}/`)) Deno.removeSync(path);
  const change = { kind: "mount", path } as const;
  if (!undo.has(change)) return;
  if (bpfMounts().has(path)) unmount(path);
  Deno.removeSync(path);
  undo.forget(change);
}

/** Names of pins in a directory, in a stable order; those with a dot are the kernel's own. */
export function pinNames(path: string): string[] {
  return Array.from(Deno.readDirSync(path), (entry) => entry.name)
    .filter((name) => !name.includes(".")).sort();
}

/** Names in a bpf file system have no dots; interfaces' names have no colons. */
export function pinName(interfaceName: string): string {
  return interfaceName.replaceAll(".", ":");
}

function systemDirectory(runDir: string): string {
  return `${systemBpfFs}/avail${runDir.replaceAll("/", "_").replaceAll(".", ":")}`;
}

/** False also where there is nothing. */
export function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Where bpf file systems are mounted: proc_pid_mountinfo(5), field 5, and the type behind the dash. */
function bpfMounts(): Set<string> {
  const lines = Deno.readTextFileSync("/proc/self/mountinfo").split("\n");
  return new Set(
    lines.filter((line) => / - bpf /.test(line)).map((line) =>
      line.split(" ")[4].replace(
        /\\(\d{3})/g,
        (_, octal) => String.fromCharCode(parseInt(octal, 8)),
      )
    ),
  );
}
