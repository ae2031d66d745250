/** The numbers that TypeScript writes are those of kmod/clusterdev/clusterdev.h. */
import { CLUSTERDEV_IOC_ADOPT } from "../../lib/host/steering_clusterdev.ts";
import {
  countAttribute,
  deviceAttribute,
  keyNumber,
  prefixAttribute,
  sideNumber,
} from "../../lib/netlink/clusterdev.ts";
import { assert, assertEquals } from "../assert.ts";

const header = new URL("../../kmod/clusterdev/clusterdev.h", import.meta.url).pathname;

/** Compiles assertions; what the compiler has to say against them. */
function check(claims: readonly (readonly [expression: string, value: number])[]): string {
  const source = [
    `#include "${header}"`,
    ...claims.map(([expression, value], i) =>
      `_Static_assert((${expression}) == ${value}, "claim ${i}: ${expression}");`
    ),
  ].join("\n");
  const path = Deno.makeTempFileSync({ suffix: ".c" });
  try {
    Deno.writeTextFileSync(path, source);
    const { stderr } = new Deno.Command("gcc", { args: ["-fsyntax-only", path] }).outputSync();
    return new TextDecoder().decode(stderr);
  } finally {
    Deno.removeSync(path);
  }
}

/** `leaseExpired` is LEASE_EXPIRED. */
const upper = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
const claimsOf = (prefix: string, numbers: Readonly<Record<string, number>>) =>
  Object.entries(numbers).map(([name, value]) => [`${prefix}${upper(name)}`, value] as const);

const claims = [
  ...claimsOf("IFLA_CLUSTERDEV_", deviceAttribute),
  ["IFLA_CLUSTERDEV_MAX", Math.max(...Object.values(deviceAttribute))],
  ["CLUSTERDEV_PREFIX", prefixAttribute.prefix],
  ["CLUSTERDEV_PREFIX_ADDRESS", prefixAttribute.address],
  ["CLUSTERDEV_PREFIX_LENGTH", prefixAttribute.length],
  ...claimsOf("CLUSTERDEV_COUNT_", countAttribute),
  ["CLUSTERDEV_COUNT_MAX", Math.max(...Object.values(countAttribute))],
  ...claimsOf("CLUSTERDEV_KEY_", keyNumber),
  ...claimsOf("CLUSTERDEV_SIDE_", sideNumber),
  ["CLUSTERDEV_IOC_ADOPT", CLUSTERDEV_IOC_ADOPT],
] as const;

Deno.test("numbers of the module's interface are the header's", () => {
  assertEquals(check(claims), "");
  // The control: a wrong claim is noticed.
  const said = check([["IFLA_CLUSTERDEV_COOKIE", deviceAttribute.cookie + 1]]);
  assert(said.includes("claim 0"), said);
});
