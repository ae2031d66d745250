import { assertEquals } from "../assert.ts";
import { type Entry, packCpio } from "./cpio.ts";
import { closure, readDependencies } from "./initramfs.ts";
import { which } from "./process.ts";

const encoder = new TextEncoder();
const entries: readonly Entry[] = [
  { kind: "link", path: "bin", target: "usr/bin" },
  { kind: "file", path: "usr/bin/tool", mode: 0o755, bytes: encoder.encode("five\n") },
  { kind: "file", path: "etc/none", mode: 0o644, bytes: new Uint8Array(0) },
  { kind: "folder", path: "proc", mode: 0o555 },
];

async function busyboxCpio(archive: Uint8Array<ArrayBuffer>, ...args: string[]): Promise<string> {
  const child = new Deno.Command("busybox", {
    args: ["cpio", ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(archive);
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  return success ? new TextDecoder().decode(stdout) : new TextDecoder().decode(stderr);
}

const hasBusybox = which("busybox") !== null;

Deno.test({
  name: hasBusybox
    ? "another program reads the archive back"
    : "another program reads the archive back (skipped: needs busybox)",
  ignore: !hasBusybox,
  fn: async () => {
    const archive = packCpio(entries);
    const names = await busyboxCpio(archive, "-t");
    assertEquals(names.trim().split("\n"), [
      ...["bin", "usr", "usr/bin", "usr/bin/tool", "etc", "etc/none", "proc"],
    ]);
    const list = await busyboxCpio(archive, "-tv");
    assertEquals(/^-rwxr-xr-x .* 5 .*usr\/bin\/tool$/m.test(list), true, list);
    assertEquals(/^lrwxrwxrwx .*bin -> usr\/bin$/m.test(list), true, list);
    assertEquals(/^dr-xr-xr-x .*proc$/m.test(list), true, list);
    const broken = archive.slice();
    broken[0] ^= 1;
    assertEquals(/usr\/bin\/tool/.test(await busyboxCpio(broken, "-t")), false);
  },
});

const dependencies = readDependencies(
  `kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz kernel/net/llc/llc.ko.xz
kernel/net/802/stp.ko.xz: kernel/net/llc/llc.ko.xz
kernel/net/llc/llc.ko.xz:
kernel/drivers/net/veth.ko.xz:
kernel/net/netfilter/nf-odd_name.ko:
`,
);

Deno.test("modules come with what they need, once each", () => {
  assertEquals(closure(dependencies, ["bridge", "stp"]), [
    "kernel/net/802/stp.ko.xz",
    "kernel/net/bridge/bridge.ko.xz",
    "kernel/net/llc/llc.ko.xz",
  ]);
  assertEquals(closure(dependencies, ["nf_odd-name"]), ["kernel/net/netfilter/nf-odd_name.ko"]);
  assertEquals(closure(dependencies, ["xt_missing"]), []);
  assertEquals(closure(dependencies, []), []);
});
