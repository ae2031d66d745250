/** The datapath's counters by bucket: struct avail_load of kmod/state.h. */
import { readAt } from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { bucketCount } from "../ownership/bucket_set.ts";
import type { BucketCounters } from "../ports.ts";
import { lookupPerCpu } from "./per_cpu.ts";

/** Offsets in bytes; a test compares them with the C compiler's. */
export const loadLayout = { packets: 0, bytes: 8, bucket: 16, size: 16 * bucketCount } as const;

/** From the per-CPU map of the BPF programs; throws `SystemError`. */
export function readLoadMap(fd: number): BucketCounters {
  return sumLoads(new Uint8Array(lookupPerCpu(fd, 0, loadLayout.size).buffer));
}

/**
 * From an open /dev/clusterdev, which sums the CPUs itself; throws `SystemError`. null: the module in
 * the kernel is older than this program, and does not count by bucket.
 */
export function readLoadFile(fd: number): BucketCounters | null {
  try {
    return sumLoads(readAt(fd, loadLayout.size, 0));
  } catch (error) {
    if (error instanceof SystemError && error.code === "EINVAL") return null;
    throw error;
  }
}

/** The sum of one structure or of several, one behind the other. */
export function sumLoads(structures: Uint8Array<ArrayBuffer>): BucketCounters {
  const view = new DataView(structures.buffer, structures.byteOffset, structures.byteLength);
  const sum = (bucket: number, counter: number) => {
    let total = 0;
    const first = bucket * loadLayout.bucket + counter;
    for (let at = first; at < view.byteLength; at += loadLayout.size) {
      // Without big integers: there are hundreds of counters for each of many CPUs.
      total += view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    }
    return total;
  };
  const buckets = Array.from({ length: bucketCount }, (_, bucket) => bucket);
  return {
    packets: buckets.map((bucket) => sum(bucket, loadLayout.packets)),
    bytes: buckets.map((bucket) => sum(bucket, loadLayout.bytes)),
  };
}
