/** What is read out of the words of compilers, module files, modprobe, the kernel and make. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { errorLines } from "../../../lib/host/kernel_module/build.ts";
import { compilerInWords, compilerOfKernel } from "../../../lib/host/kernel_module/compiler.ts";
import { Distribution } from "../../../lib/host/kernel_module/distribution.ts";
import { kernelFacts } from "../../../lib/host/kernel_module/kernel_facts.ts";
import { judgeLoadFailure } from "../../../lib/host/kernel_module/load_failure.ts";
import { readModuleFile } from "../../../lib/host/kernel_module/module_file.ts";
import type { ObstacleKind } from "../../../lib/host/kernel_module/obstacles.ts";
import { Tree } from "../../../lib/host/kernel_module/tree.ts";
import { assertEquals, assertStringIncludes } from "../../assert.ts";
import { moduleFile, release, withSystem } from "./fake_system.ts";

Deno.test("compilers by what they say", () => {
  const said: readonly (readonly [text: string, name: string | null, major: number])[] = [
    ["(gcc (GCC) 15.3.0, GNU ld (GNU Binutils) 2.46) #1 SMP", "gcc", 15],
    ["(gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld)", "gcc", 12],
    ["(x86_64-linux-gnu-gcc-13 (Ubuntu 13.2.0-23ubuntu4) 13.2.0)", "gcc", 13],
    ["(gcc (GCC) 11.4.1 20231218 (Red Hat 11.4.1-3))", "gcc", 11],
    ["(gcc version 9.4.0 (Ubuntu 9.4.0-1ubuntu1))", "gcc", 9],
    ["Debian clang version 14.0.6", "clang", 14],
    ["(clang version 17.0.6 (https://…), LLD 17.0.6)", "clang", 17],
    ["tcc version 0.9", null, 0],
  ];
  for (const [text, name, major] of said) {
    const found = compilerInWords(text);
    assertEquals(found && [found.name, found.major], name && [name, major], text);
  }
  const config = "CONFIG_GCC_VERSION=100201\nCONFIG_CLANG_VERSION=0\n";
  assertEquals(compilerOfKernel(config, said[0][0]), { name: "gcc", major: 10 });
  assertEquals(compilerOfKernel(null, said[0][0]), { name: "gcc", major: 15 });
  assertEquals(compilerOfKernel("", null), null);
});

Deno.test("the packages of headers", () => {
  const packages: readonly (readonly [osRelease: string, kernel: string, name: string | null])[] = [
    ["ID=debian", "6.1.0-9-amd64", "linux-headers-6.1.0-9-amd64"],
    ["ID=ubuntu\nID_LIKE=debian", "6.8.0-31-generic", "linux-headers-6.8.0-31-generic"],
    ["ID=debian", "6.8.4-2-pve", "proxmox-headers-6.8.4-2-pve"],
    ["ID=linuxmint\nID_LIKE='ubuntu debian'", "6.8.0-31-generic", "linux-headers-6.8.0-31-generic"],
    ["ID=fedora", "6.9.4-200.fc40.x86_64", "kernel-devel-6.9.4-200.fc40.x86_64"],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"', "5.14.0-1.el9", "kernel-devel-5.14.0-1.el9"],
    [
      "ID=ol\nID_LIKE=fedora",
      "5.15.0-206.el9uek.x86_64",
      "kernel-uek-devel-5.15.0-206.el9uek.x86_64",
    ],
    [
      'ID="opensuse-leap"\nID_LIKE="suse opensuse"',
      "6.4.0-150600.21-default",
      "kernel-default-devel",
    ],
    ["ID=alpine", "6.6.31-0-virt", "linux-virt-dev"],
    ["ID=arch", "6.9.3-arch1-1", "linux-headers"],
    ["ID=arch", "6.6.32-1-lts", "linux-lts-headers"],
    ["ID=gentoo", "6.6.32", null],
    ["", "6.6.32", null],
  ];
  for (const [osRelease, kernel, name] of packages) {
    assertEquals(new Distribution(osRelease).headersPackage(kernel), name, osRelease + kernel);
  }
  assertEquals(new Distribution("ID=alpine").toInstall("make"), "apk add make");
  assertEquals(new Distribution(null).toInstall("make"), "install make");
});

Deno.test("a module's file says its version, its kernel, and whether it is signed", () => {
  const plain = new TextEncoder().encode(moduleFile("1.2-3", "6.1"));
  const facts = { version: "1.2-3", release: "6.1", isSigned: false };
  assertEquals(readModuleFile("x.ko", plain), facts);
  assertEquals(readModuleFile("x.ko.gz", gzipSync(plain)), facts);
  assertEquals(readModuleFile("x.ko.zst", zstdCompressSync(plain)), facts);
  const unknown = { version: null, release: null, isSigned: null };
  assertEquals(readModuleFile("x.ko.xz", plain), unknown);
  assertEquals(readModuleFile("x.ko.gz", plain), unknown, "damaged");
  // Only `srcversion` there: that is no version.
  const without = new TextEncoder().encode("\0srcversion=ABC\0vermagic=6.1 SMP\0");
  assertEquals(readModuleFile("x.ko", without), { version: null, release: "6.1", isSigned: false });
});

Deno.test("why the kernel refused the module", async () => {
  const insert = (why: string) => `modprobe: ERROR: could not insert 'clusterdev': ${why}\n`;
  const taint = "[ 1.0] clusterdev: loading out-of-tree module taints kernel.";
  const refusals: readonly (readonly [string, string[], ObstacleKind, string])[] = [
    [insert("Key was rejected by service"), [], "signature", "signature"],
    [
      insert("Required key not available"),
      ["[1] Loading of unsigned module is rejected"],
      "signature",
      "",
    ],
    [
      insert("Operation not permitted"),
      ["[ 9.1] Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7"],
      "signature",
      "",
    ],
    [
      insert("Exec format error"),
      [
        "[ 7.6] clusterdev: version magic '6.1.0-8-amd64 SMP preempt mod_unload modversions ' " +
        "should be '6.1.0-9-amd64 SMP preempt mod_unload modversions '",
      ],
      "versionMagic",
      'built for "6.1.0-8-amd64 SMP preempt mod_unload modversions"',
    ],
    [insert("Invalid module format"), [], "versionMagic", "refuses the module's format"],
    [
      insert("Invalid argument"),
      [taint, "[ 2.0] clusterdev: disagrees about version of symbol skb_push"],
      "unknownSymbol",
      "skb_push",
    ],
    [
      insert("Unknown symbol in module, or unknown parameter (see dmesg)"),
      ["[ 2.0] clusterdev: Unknown symbol nf_register_net_hooks (err -2)"],
      "unknownSymbol",
      "nf_register_net_hooks",
    ],
    [
      "modprobe: FATAL: Module clusterdev not found in directory /lib/modules/6.1.0-9-amd64\n",
      [],
      "notIndexed",
      "does not find",
    ],
    [insert("Operation not permitted"), [], "notPermitted", "CAP_SYS_MODULE"],
    [
      insert("Cannot allocate memory"),
      [taint],
      "notLoadable",
      "Cannot allocate memory; the kernel",
    ],
    ["", [], "notLoadable", "modprobe failed"],
  ];
  await withSystem({}, (root) => {
    const kernel = kernelFacts(new Tree(root), release);
    for (const [said, log, kind, words] of refusals) {
      const obstacle = judgeLoadFailure(kernel, said, log);
      assertEquals(obstacle.kind, kind, said);
      assertStringIncludes(obstacle.problem, words);
    }
  });
});

Deno.test("of a long build the lines that tell why it failed", () => {
  const noise = Array.from({ length: 40 }, (_, i) => `  CC [M]  file${i}.o`);
  const broken = "receive.c:7:1: error: unknown type name 'u33'";
  assertEquals(errorLines([...noise, broken, ...noise]), [broken]);
  assertEquals(errorLines([...noise, ...Array(30).fill(broken)]).length, 12);
  assertEquals(errorLines([...noise, "Killed"]).at(-1), "Killed");
});
