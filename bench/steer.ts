/**
 * What a refused frame costs: BPF_PROG_TEST_RUN of the datapath's programs, beside an empty program,
 * whose time is that of the measurement itself. `deno run -A bench/steer.ts`, as root.
 */
import { BPF_PROG_TYPE_XDP, loadProgram, testRun } from "../ffi/bpf.ts";
import type { KeyKind } from "../lib/config.ts";
import { BucketSet } from "../lib/ownership/bucket_set.ts";
import { clusterMac, plainShare, SteerPrograms } from "../tests/kmod/steer_programs.ts";
import { ethernet, ipv4, ipv6, ports } from "../tests/vectors/frames.ts";

const repeat = 1_000_000;
const rounds = 7;
const targetNs = 20;

/** r0 = XDP_DROP; exit */
const emptyProgram = Uint8Array.fromHex("b7000000010000009500000000000000");
const frames = {
  IPv4: ethernet(0x0800, ipv4("10.0.0.9", "198.51.100.1", 17, ports(1000, 53))),
  IPv6: ethernet(0x86dd, ipv6("2001:db8::9", "2001:db8:100::1", 17, ports(1000, 53))),
};

/** The best of several rounds: what the code costs, without what else the machine did. */
function best(run: () => number): number {
  return Math.min(...Array.from({ length: rounds }, run));
}

const empty = loadProgram({
  name: "empty",
  type: BPF_PROG_TYPE_XDP,
  instructions: emptyProgram,
});
const some = Uint8Array.from(frames.IPv4);
const emptyNs = best(() => testRun(empty, some, repeat).nanoseconds);
console.log(`empty program        ${String(emptyNs).padStart(4)} ns`);
console.log(`target: a refused frame costs at most ${targetNs} ns more`);

for (const key of ["source", "pair", "flow"] as const satisfies KeyKind[]) {
  // An accepted frame keeps its MAC here, so that every repetition sees the same frame.
  using programs = new SteerPrograms({ ...plainShare, key, nodeMac: clusterMac });
  programs.steering.setLease(Number.MAX_SAFE_INTEGER);
  for (const [family, bytes] of Object.entries(frames)) {
    const frame = Uint8Array.from(bytes);
    const measure = (owned: BucketSet) => {
      programs.steering.setResponsibility(owned, 1);
      const ns = best(() => programs.run("steer_xdp", frame, repeat).nanoseconds);
      const ratio = (ns / Math.max(emptyNs, 1)).toFixed(1);
      return `${String(ns).padStart(4)} ns (${String(ns - emptyNs).padStart(3)} more, ${ratio} x)`;
    };
    const refused = measure(BucketSet.empty());
    const accepted = measure(BucketSet.all());
    console.log(`${key.padEnd(6)} ${family}  refused ${refused}   accepted ${accepted}`);
  }
}
