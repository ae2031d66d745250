/**
 * Whether the slots that are on were switched by avail: a mark in the run directory, from the first
 * change until a daemon ends in order. Without it they are those of a cluster that ran before avail.
 */
const bootIdFile = "/proc/sys/kernel/random/boot_id";

function markOf(runDir: string): string {
  return `${runDir}/clusterip`;
}

/** Slots of before the last boot are gone, whatever the mark says. */
export function noteTaken(runDir: string): void {
  Deno.writeTextFileSync(markOf(runDir), Deno.readTextFileSync(bootIdFile), { mode: 0o600 });
}

export function isTaken(runDir: string): boolean {
  try {
    return Deno.readTextFileSync(markOf(runDir)) === Deno.readTextFileSync(bootIdFile);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export function forgetTaken(runDir: string): void {
  try {
    Deno.removeSync(markOf(runDir));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
