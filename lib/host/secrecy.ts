/** What keeps the cluster's keys in this process. */
import { forbidCoreDump } from "../../ffi/libc.ts";

/** A core dump would hold every key, on a disk and perhaps in a report to somebody else. */
export function keepKeysOutOfDumps(): boolean {
  return forbidCoreDump();
}
