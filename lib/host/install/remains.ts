/** What a daemon that was killed left in the kernel and on the machine (docs/architecture.md, "What ends how"). */
import { removeDatapath } from "../attach_datapath.ts";
import { hasXdpRemains } from "../steering_xdp.ts";
import { undoPath } from "../undo_log.ts";

/** Folder of the usual control socket; where the configuration says otherwise, a daemon has to end by itself. */
const runFolder = "/run/avail";

/** Takes it back; whether there is, or was, anything. */
export function removeRemains(isDryRun: boolean): boolean {
  if (!isThere(undoPath(runFolder)) && !hasXdpRemains(runFolder)) return false;
  if (!isDryRun) removeDatapath(runFolder);
  return true;
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
