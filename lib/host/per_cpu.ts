/** Reading BPF maps that hold a value for each CPU. */
import { lookupElement } from "../../ffi/bpf.ts";

/** The values of all CPUs under a key, one behind the other; `valueBytes` is a multiple of 8. */
export function lookupPerCpu(
  fd: number,
  key: number,
  valueBytes: number,
): BigUint64Array<ArrayBuffer> {
  const keyBytes = new Uint8Array(new Uint32Array([key]).buffer);
  return new BigUint64Array(lookupElement(fd, keyBytes, valueBytes * possibleCpus()).buffer);
}

/** The highest CPU number that the kernel provides for, and one: `0-3` is 4. */
function possibleCpus(): number {
  const list = Deno.readTextFileSync("/sys/devices/system/cpu/possible").trim();
  return Number(/\d+$/.exec(list)?.[0] ?? 0) + 1;
}
