/** The datapath's programs in the kernel, with maps of their own and attached to nothing. */
import { loadPacked } from "../../lib/host/bpf_load.ts";
import { createMaps, createRodata } from "../../lib/host/bpf_load.ts";
import { readPackedObject } from "../../lib/host/bpf_object.ts";
import { encodeShare, type ShareConstants } from "../../lib/host/share_rodata.ts";
import { readLoadMap } from "../../lib/host/bucket_load.ts";
import { lookupPerCpu } from "../../lib/host/per_cpu.ts";
import { openStatePage } from "../../lib/host/state_page.ts";
import { type TestRun, testRun } from "../../ffi/bpf.ts";
import { close } from "../../ffi/libc.ts";
import type { BucketCounters, Steering } from "../../lib/ports.ts";

export const clusterMac = Uint8Array.fromHex("03005e000001"); // as in tests/vectors/frames.ts
export const nodeMac = Uint8Array.fromHex("02000000000a");
export const clientMac = Uint8Array.fromHex("0200000000cc");

export const XDP_DROP = 1;
export const XDP_PASS = 2;
export const TCX_NEXT = -1;
export const TCX_DROP = 2;

export type ProgramName = "steer_xdp" | "steer_behind_xdp" | "steer_ingress" | "steer_egress";
export const programNames = [
  "steer_xdp",
  "steer_behind_xdp",
  "steer_ingress",
  "steer_egress",
] as const;

/** A share with one address of each family, hashed by `pair`. */
export const plainShare: ShareConstants = {
  seed: [1, 2],
  key: "pair",
  side: null,
  nat4: null,
  inside: [],
  clusterMac,
  nodeMac,
  markMask: 0,
  addresses: [
    { family: 4, address: "198.51.100.1", prefixLength: 24 },
    { family: 6, address: "2001:db8:100::1", prefixLength: 64 },
  ],
  ifindex: 1,
  withoutXdp: false,
  build: "00".repeat(16),
};

const object = readPackedObject();

export class SteerPrograms implements Disposable {
  readonly steering: Steering;
  readonly #maps: ReadonlyMap<string, number>;
  readonly #rodata: number;
  readonly #programs = new Map<ProgramName, number>();

  constructor(share: ShareConstants) {
    this.#maps = createMaps(object);
    this.#rodata = createRodata(encodeShare(share));
    this.steering = openStatePage(this.#maps.get("state")!);
  }

  /** Loads a program, once; throws with the verifier's words. */
  load(name: ProgramName): number {
    let fd = this.#programs.get(name);
    if (fd === undefined) {
      fd = loadPacked(object, name, this.#maps, this.#rodata);
      this.#programs.set(name, fd);
    }
    return fd;
  }

  run(
    name: ProgramName,
    frame: Uint8Array<ArrayBuffer>,
    repeat = 1,
    context?: Uint8Array<ArrayBuffer>,
  ): TestRun {
    return testRun(this.load(name), frame, repeat, context);
  }

  /** enum avail_count, summed over the CPUs. */
  counts(): number[] {
    return Array.from(
      { length: 6 },
      (_, reason) =>
        Number(lookupPerCpu(this.#maps.get("counts")!, reason, 8).reduce((sum, n) => sum + n, 0n)),
    );
  }

  bucketCounters(): BucketCounters {
    return readLoadMap(this.#maps.get("loads")!);
  }

  [Symbol.dispose](): void {
    for (const fd of [...this.#programs.values(), this.#rodata, ...this.#maps.values()]) close(fd);
  }
}
