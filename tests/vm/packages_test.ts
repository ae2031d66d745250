import { assertEquals, assertThrows } from "../assert.ts";
import { kernels } from "./kernels.ts";
import { choose } from "./obtain.ts";
import { compareVersions, isKernelPart, newest, readPackages } from "./packages.ts";

/** Pairs, the smaller first. */
const ordered: readonly (readonly [string, string])[] = [
  ["5.10.9-1", "5.10.46-1"],
  ["6.1.192-1", "6.1.192-2"],
  ["6.12.95-1~bpo12+1", "6.12.95-1"],
  ["6.12.95-1~bpo12+1", "6.12.117-1~deb12u1"],
  ["1.0~rc1-1", "1.0-1"],
  ["1.0-1", "1:0.1-1"],
  ["1.0", "1.0-1"],
  ["1.0a", "1.0+"],
  ["7.2.12-1~bpo13+1", "7.3.4-1~bpo13+1"],
  ["009-1", "10-1"],
];

async function dpkgSays(a: string, relation: string, b: string): Promise<boolean | null> {
  try {
    const dpkg = new Deno.Command("dpkg", { args: ["--compare-versions", a, relation, b] });
    return (await dpkg.output()).success;
  } catch {
    return null; // Not a Debian system.
  }
}

Deno.test("versions are ordered as dpkg orders them", async () => {
  for (const [a, b] of ordered) {
    assertEquals(compareVersions(a, b) < 0, true, `${a} < ${b}`);
    assertEquals(compareVersions(b, a) > 0, true, `${b} > ${a}`);
    assertEquals(compareVersions(a, a), 0, a);
    assertEquals(await dpkgSays(a, "lt", b) ?? true, true, `dpkg: ${a} < ${b}`);
  }
  assertEquals(compareVersions("1.0-1", "01.0-01"), 0);
});

const index = `Package: linux-image-6.1.0-9-cloud-amd64
Version: 6.1.27-1
Depends: kmod, linux-base (>= 4.3~)

Package: linux-image-6.1.0-56-cloud-amd64
Source: linux-signed-amd64 (6.1.192+2)
Version: 6.1.192-2
Depends: kmod, linux-base (>= 4.3~), initramfs-tools (>= 0.120) | linux-initramfs-tool
Description: Linux 6.1
 Depends: this is no dependency

Package: linux-image-6.1.0-56-cloud-amd64-unsigned
Version: 6.1.192-3

Package: linux-image-6.12.117+deb12-cloud-amd64
Version: 6.12.117-1~deb12u1

Package: linux-headers-6.1.0-56-cloud-amd64
Version: 6.1.192-2
Depends: linux-headers-6.1.0-56-common (= 6.1.192-2), linux-kbuild-6.1 (>= 6.1.192-2), gcc-12

Package: linux-headers-6.1.0-56-common
Version: 6.1.192-1

Package: linux-headers-6.1.0-56-common
Version: 6.1.192-2

Package: linux-headers-6.1.0-56-common
Version: 6.1.192-9

Package: linux-kbuild-6.1
Version: 6.1.192-2

Package: linux-kbuild-6.1
Version: 6.1.170-3
`;

const spec = kernels.find((one) => one.name === "6.1")!;

Deno.test("an index is read with dependencies, the first of alternatives", () => {
  const image = readPackages(index)[1];
  assertEquals(image.version, "6.1.192-2");
  assertEquals(image.depends.map((one) => one.name), ["kmod", "linux-base", "initramfs-tools"]);
  const headers = readPackages(index).find((one) => one.name.startsWith("linux-headers"))!;
  assertEquals(headers.depends.map((one) => one.exactly), ["6.1.192-2", null, null]);
});

Deno.test("the newest image of a series, with its headers and build tools of the right versions", () => {
  const { release, parts } = choose(spec, readPackages(index));
  assertEquals(release, "6.1.0-56-cloud-amd64");
  assertEquals(parts.map((part) => `${part.name}=${part.version}`), [
    "linux-headers-6.1.0-56-cloud-amd64=6.1.192-2",
    "linux-headers-6.1.0-56-common=6.1.192-2",
    "linux-image-6.1.0-56-cloud-amd64=6.1.192-2",
    "linux-kbuild-6.1=6.1.192-2",
  ]);
});

Deno.test("a kernel that is not there, or lacks a part, is not chosen", () => {
  const packages = readPackages(index);
  const other = kernels.find((one) => one.name === "5.10")!;
  assertThrows(() => choose(other, packages), Error, "no package matches");
  const partial = packages.filter((one) => one.name !== "linux-kbuild-6.1");
  assertThrows(() => choose(spec, partial), Error, "linux-kbuild-6.1: not available");
});

Deno.test("each kernel's pattern takes its own images only", () => {
  const names = [
    "linux-image-5.10.0-46-cloud-amd64",
    "linux-image-6.1.0-56-cloud-amd64",
    "linux-image-6.12.117+deb12-cloud-amd64",
    "linux-image-7.3.4+deb13-cloud-amd64",
  ];
  const never = [
    "linux-image-cloud-amd64",
    "linux-image-6.1-cloud-amd64",
    "linux-image-6.1.0-56-amd64",
    "linux-image-6.1.0-56-cloud-amd64-dbg",
    "linux-image-6.1.0-56-cloud-amd64-unsigned",
  ];
  for (const [at, { name, image }] of kernels.entries()) {
    const expected = name === "newest" ? names : [names[at]];
    assertEquals([...names, ...never.slice(2)].filter((one) => image.test(one)), expected, name);
    assertEquals(image.test("linux-image-cloud-amd64"), false, name);
  }
  const all = names.map((name) => ({ name, version: /\d[^-]*/.exec(name)![0], depends: [] }));
  assertEquals(newest(all, kernels.at(-1)!.image)?.name, names[3]);
});

Deno.test("what belongs to a kernel, and what only its installation asks for", () => {
  for (const name of ["linux-kbuild-6.1", "linux-modules-7.3.4+deb13-cloud-amd64"]) {
    assertEquals(isKernelPart(name), true, name);
  }
  for (const name of ["linux-base", "kmod", "initramfs-tools", "linux-compiler-gcc-12-x86"]) {
    assertEquals(isKernelPart(name), false, name);
  }
});
