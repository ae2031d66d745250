/** The datapath's programs in every form that a share can give them: the verifier takes all. */
import { loadProgram } from "../../ffi/bpf.ts";
import { SystemError } from "../../ffi/library.ts";
import type { AddressPrefix, KeyKind } from "../../lib/config.ts";
import type { ShareConstants } from "../../lib/host/share_rodata.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { plainShare, programNames, SteerPrograms } from "../kmod/steer_programs.ts";

const prefixes: readonly AddressPrefix[] = [
  { family: 4, address: "10.0.0.0", prefixLength: 8 },
  { family: 6, address: "2001:db8::", prefixLength: 32 },
];

/** Every combination of what changes the programs' paths. */
function* combinations(): Generator<ShareConstants> {
  const four = (n: number) => ({ family: 4, address: `10.0.0.${n}`, prefixLength: 24 }) as const;
  const six = (n: number) => ({ family: 6, address: `fd00::${n + 1}`, prefixLength: 64 }) as const;
  const numbers = Array.from({ length: 32 }, (_, i) => i);
  const addressLists: AddressPrefix[][] = [
    [four(1)],
    [six(1)],
    [...numbers.map(four), ...numbers.map(six)],
  ];
  const sixteen = Array.from({ length: 16 }, (_, i) => prefixes[i & 1]);
  const insides: Pick<ShareConstants, "key" | "side" | "inside">[] = [
    ...(["source", "pair", "flow"] as const).map((key) => ({ key, side: null, inside: [] })),
    ...(["inside", "outside"] as const).flatMap((side) =>
      [[], prefixes, sixteen].map((inside) => ({ key: "inside" as KeyKind, side, inside }))
    ),
  ];
  for (const inside of insides) {
    for (const nat4 of [null, "10.0.0.1"]) {
      for (const markMask of [0, 0x1ff00000]) {
        for (const addresses of addressLists) {
          yield { ...plainShare, ...inside, nat4, markMask, addresses };
        }
      }
    }
  }
}

const ignore = Deno.uid() !== 0;
const name = "steer: the verifier takes every combination of flags";

Deno.test({ name: ignore ? `${name} (skipped: needs root for bpf(2))` : name, ignore }, () => {
  let loaded = 0;
  for (const share of combinations()) {
    using programs = new SteerPrograms(share);
    for (const name of programNames) {
      programs.load(name);
      loaded++;
    }
  }
  assertEquals(loaded, 4 * 9 * 2 * 2 * 3);

  // The control: one that is wrong is refused, and the verifier's reason reaches the user.
  const returnsNothing = Uint8Array.fromHex("9500000000000000"); // exit, without a value in r0
  const error = assertThrows(
    () => loadProgram({ name: "wrong", type: 6, instructions: returnsNothing }),
    SystemError,
  );
  assert(error.message.includes("R0 !read_ok"), error.message);
});
