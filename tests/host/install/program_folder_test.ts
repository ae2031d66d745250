import { assertEquals, assertStringIncludes, assertThrows } from "../../assert.ts";
import { AvailError } from "../../../lib/errors.ts";
import { chooseProgramFolder, refusingOption } from "../../../lib/host/install/program_folder.ts";
import { isAtLeast } from "../../../lib/host/install/datapath_outlook.ts";
import { Tree } from "../../../lib/host/kernel_module/tree.ts";

const mount = (point: string, options: string, ofFileSystem = "rw") =>
  `25 1 8:1 / ${point} ${options} shared:1 - ext4 /dev/sda1 ${ofFileSystem}`;

const cases: readonly (readonly [path: string, mounts: string[], option: string | null])[] = [
  ["/usr/local/sbin", [mount("/", "rw,relatime")], null],
  ["/usr/local/sbin", [mount("/", "ro,relatime")], "ro"],
  ["/usr/local/sbin", [mount("/", "rw", "ro,errors=remount-ro")], "ro"],
  ["/usr/local/sbin", [mount("/", "rw"), mount("/usr", "ro")], "ro"],
  ["/usr/local/sbin", [mount("/usr", "ro"), mount("/usr/local", "rw"), mount("/", "ro")], null],
  ["/usr/local/sbin", [mount("/", "rw"), mount("/usr/loc", "ro")], null],
  ["/usr/local/sbin", [mount("/", "rw"), mount("/usr/local", "rw,noexec")], "noexec"],
  ["/usr/local/sbin", [mount("/usr", "ro"), mount("/usr", "rw")], null],
  ["/my opt/bin", [mount("/", "rw"), mount("/my\\040opt", "ro")], "ro"],
  ["/usr", [], null],
];

Deno.test("which mount keeps a program from being somewhere", () => {
  for (const [path, mounts, option] of cases) {
    assertEquals(refusingOption(path, mounts.join("\n") + "\n"), option, mounts.join(" | "));
  }
});

Deno.test("the first folder that can hold a program; each that cannot is told", () => {
  const tree = new Tree("/nowhere");
  const choose = (...mounts: string[]) => chooseProgramFolder(tree, mounts.join("\n"));
  assertEquals(choose(mount("/", "rw")), "/usr/local/sbin");
  assertEquals(choose(mount("/", "rw"), mount("/usr", "ro")), "/opt/bin");
  assertEquals(chooseProgramFolder(tree, null), "/usr/local/sbin");
  const error = assertThrows(() => choose(mount("/", "ro")), AvailError);
  assertStringIncludes(error.message, "/usr/local/sbin is mounted ro");
  assertStringIncludes(error.message, "--to DIR");
});

Deno.test("versions of kernels are compared as numbers", () => {
  const releases = ["5.10.0-28-amd64", "6.1.0", "6.5.13", "6.6", "6.10.3-cloud", "7.0-rc1"];
  const expected = [false, false, false, true, true, true];
  assertEquals(releases.map((release) => isAtLeast(release, [6, 6])), expected);
  assertEquals(isAtLeast("unknown", [6, 6]), false);
});
