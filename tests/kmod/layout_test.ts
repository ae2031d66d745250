/** The layouts that TypeScript writes are those of the C compiler. */
import { loadLayout } from "../../lib/host/bucket_load.ts";
import {
  insidePrefixesMax,
  prefixLayout,
  sharedAddressesMax,
  shareLayout,
} from "../../lib/host/share_rodata.ts";
import { stateLayout } from "../../lib/host/state_page.ts";
import { assert, assertEquals } from "../assert.ts";

const folder = new URL("../../kmod/bpf", import.meta.url).pathname;

/** Compiles assertions; what the compiler has to say against them. */
function check(claims: readonly (readonly [expression: string, value: number])[]): string {
  const source = [
    '#include "kernel.h"\n#include "share.h"\n#include "../state.h"',
    "#define AT(type, field) __builtin_offsetof(struct type, field)",
    ...claims.map(([expression, value], i) =>
      `_Static_assert(${expression} == ${value}, "claim ${i}: ${expression}");`
    ),
  ].join("\n");
  const path = Deno.makeTempFileSync({ suffix: ".c" });
  try {
    Deno.writeTextFileSync(path, source);
    const { stderr } = new Deno.Command("clang", {
      args: ["-target", "bpf", "-fsyntax-only", `-I${folder}`]
        .concat(`-I/usr/include/${Deno.build.arch}-linux-gnu`, path),
    }).outputSync();
    return new TextDecoder().decode(stderr);
  } finally {
    Deno.removeSync(path);
  }
}

const share = (field: string, value: number) => [`AT(avail_share, ${field})`, value] as const;
const claims = [
  share("hash.seed", shareLayout.seed),
  share("hash.key", shareLayout.key),
  share("hash.side", shareLayout.side),
  share("hash.nat", shareLayout.nat),
  share("hash.inside_count", shareLayout.insideCount),
  share("hash.nat4", shareLayout.nat4),
  share("hash.inside", shareLayout.inside),
  share("cluster_mac", shareLayout.clusterMac),
  share("node_mac", shareLayout.nodeMac),
  share("mark_mask", shareLayout.markMask),
  share("mark_shift", shareLayout.markShift),
  share("shared4_count", shareLayout.shared4Count),
  share("shared6_count", shareLayout.shared6Count),
  share("shared4", shareLayout.shared4),
  share("shared6", shareLayout.shared6),
  share("ifindex", shareLayout.ifindex),
  share("without_xdp", shareLayout.withoutXdp),
  share("build", shareLayout.build),
  ["sizeof(struct avail_share)", shareLayout.bytes],
  ["AT(avail_prefix, addr)", prefixLayout.addr],
  ["AT(avail_prefix, mask)", prefixLayout.mask],
  ["AT(avail_prefix, family)", prefixLayout.family],
  ["sizeof(struct avail_prefix)", prefixLayout.bytes],
  ["AT(avail_state, lease)", stateLayout.lease],
  ["AT(avail_state, active)", stateLayout.active],
  ["AT(avail_state, owned)", stateLayout.owned],
  ["AT(avail_state, epoch)", stateLayout.epoch],
  ["sizeof(struct avail_state)", stateLayout.bytes],
  ["AT(avail_load, bucket[1].packets)", loadLayout.bucket + loadLayout.packets],
  ["AT(avail_load, bucket[1].bytes)", loadLayout.bucket + loadLayout.bytes],
  ["sizeof(struct avail_load)", loadLayout.size],
  ["AVAIL_SHARED_MAX", sharedAddressesMax],
  ["AVAIL_INSIDE_MAX", insidePrefixesMax],
  ["AVAIL_KEY_SOURCE", 0],
  ["AVAIL_KEY_PAIR", 1],
  ["AVAIL_KEY_INSIDE", 2],
  ["AVAIL_KEY_FLOW", 3],
  ["AVAIL_SIDE_INSIDE", 0],
  ["AVAIL_COUNT_ACCEPTED", 0],
  ["AVAIL_COUNT_NOT_OWNED", 1],
  ["AVAIL_COUNT_LEASE_EXPIRED", 2],
  ["AVAIL_COUNT_MALFORMED", 3],
  ["AVAIL_COUNT_NEIGHBOUR", 4],
  ["AVAIL_COUNT_REWRITTEN", 5],
] as const;

Deno.test("layouts of the datapath's structures are the compiler's", () => {
  assertEquals(check(claims), "");
  // The control: a wrong claim is noticed.
  const said = check([["AT(avail_state, owned)", stateLayout.owned + 4]]);
  assert(said.includes("claim 0"), said);
});
