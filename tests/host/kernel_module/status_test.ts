/** Every obstacle, on a system that has just this one; and the same system without it. */
import { gzipSync } from "node:zlib";
import { clusterdevAvailability, whyNoClusterdev } from "../../../lib/host/kernel_module.ts";
import type { ObstacleKind } from "../../../lib/host/kernel_module/obstacles.ts";
import {
  gatherFacts,
  judgeModule,
  type ModuleState,
  type Target,
} from "../../../lib/host/kernel_module/status.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "../../assert.ts";
import {
  compiler,
  type FakeFile,
  moduleFile,
  release,
  toolFoldersOf,
  withSystem,
} from "./fake_system.ts";

const version = "0.1.0-01234567";
const headers = `/usr/src/linux-headers-${release}`;
const modules = `/lib/modules/${release}`;
const debian = "/etc/os-release";

/** Installed, indexed and right: loadable. */
const installed: Record<string, FakeFile> = {
  [`${modules}/updates/clusterdev.ko`]: moduleFile(version, release),
  [`${modules}/modules.dep`]: "updates/clusterdev.ko:\n",
};
const signed = moduleFile(version, release, "~Module signature appended~\n");
const lockedDown = { "/sys/kernel/security/lockdown": "none [integrity] confidentiality\n" };
const secureBoot = {
  "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": new Uint8Array([
    ...[6, 0, 0, 0, 1],
  ]),
  [`${headers}/.config`]:
    "CONFIG_MODULES=y\nCONFIG_GCC_VERSION=120200\nCONFIG_SECURITY_LOCKDOWN_LSM=y\n",
};

interface Case {
  readonly name: string;
  readonly changes: Record<string, FakeFile>;
  readonly target?: Target;
  readonly state: ModuleState;
  readonly obstacles: readonly (readonly [kind: ObstacleKind, problem: string, remedy: string])[];
}

const cases: readonly Case[] = [
  { name: "all there", changes: {}, state: "buildable", obstacles: [] },
  { name: "installed", changes: installed, state: "loadable", obstacles: [] },
  {
    name: "loaded, and nothing else counts",
    changes: {
      "/sys/module/clusterdev/version": `${version}\n`,
      "/proc/sys/kernel/modules_disabled": "1\n",
      "/usr/bin/make": null,
    },
    state: "loaded",
    obstacles: [],
  },
  {
    name: "kernel without modules",
    changes: { "/proc/modules": null, "/usr/bin/make": null },
    state: "impossible",
    obstacles: [["noModules", "without loadable modules", 'backend = "xdp"']],
  },
  {
    name: "modules locked",
    changes: { ...installed, "/proc/sys/kernel/modules_disabled": "1\n" },
    state: "impossible",
    obstacles: [["modulesLocked", "kernel.modules_disabled = 1", "reboot"]],
  },
  {
    name: "modules locked, and not built",
    changes: { "/proc/sys/kernel/modules_disabled": "1\n" },
    state: "impossible",
    obstacles: [["modulesLocked", "kernel.modules_disabled = 1", "modules-load.d"]],
  },
  {
    name: "no folder for the running kernel",
    changes: {
      "/proc/sys/kernel/osrelease": "6.1.0-8-amd64\n",
      "/boot/config-6.1.0-8-amd64": "CONFIG_GCC_VERSION=120200\n",
    },
    state: "impossible",
    obstacles: [
      ["noModuleFolder", "no /lib/modules/6.1.0-8-amd64 for the running kernel", "reboot"],
      ["headersMissing", "6.1.0-8-amd64", "apt-get install linux-headers-6.1.0-8-amd64"],
    ],
  },
  {
    name: "in a container",
    changes: { "/proc/sys/kernel/osrelease": "7.0\n", "/.dockerenv": "" },
    state: "impossible",
    obstacles: [
      ["noModuleFolder", "no /lib/modules/7.0", "on the host"],
      ["headersMissing", "", "linux-headers-7.0"],
    ],
  },
  {
    name: "no folder for another kernel",
    changes: {},
    target: { release: "6.6.6" },
    state: "impossible",
    obstacles: [
      ["noModuleFolder", "for this kernel", "correct --kernel"],
      ["headersMissing", "Linux 6.6.6", "linux-headers-6.6.6"],
    ],
  },
  {
    name: "headers missing, the kernel's own configuration",
    changes: {
      [`${modules}/build`]: null,
      "/proc/config.gz": new Uint8Array(gzipSync("CONFIG_GCC_VERSION=120200\n")),
    },
    state: "impossible",
    obstacles: [["headersMissing", "leads nowhere", `apt-get install linux-headers-${release}`]],
  },
  {
    name: "headers removed, their link left behind; an unknown distribution",
    changes: { [`${headers}/Makefile`]: null, [`${headers}/.config`]: null, [debian]: "ID=lfs\n" },
    state: "impossible",
    obstacles: [["headersMissing", "not installed", "your distribution's package"]],
  },
  {
    name: "headers elsewhere",
    changes: { [`${modules}/build`]: null },
    target: { headers },
    state: "buildable",
    obstacles: [],
  },
  {
    name: "no compiler",
    changes: { "/usr/bin/gcc-12": null },
    state: "impossible",
    obstacles: [[
      "compilerMissing",
      "gcc is not installed; the kernel was built with gcc 12",
      "gcc-12",
    ]],
  },
  {
    name: "the other compiler",
    changes: { "/usr/bin/gcc-12": null, "/usr/bin/clang": compiler("Debian clang version 14.0.6") },
    state: "impossible",
    obstacles: [["compilerMissing", "gcc is not installed", "apt-get install gcc-12"]],
  },
  {
    name: "compiler of another major version",
    changes: { "/usr/bin/gcc-12": null, "/usr/bin/gcc": compiler("gcc version 13.2.0 (GCC)") },
    state: "impossible",
    obstacles: [["compilerVersion", "here is gcc 13; the kernel was built with gcc 12", "gcc-12"]],
  },
  {
    name: "the right one beside a wrong one",
    changes: { "/usr/bin/gcc": compiler("gcc version 13.2.0 (GCC)") },
    state: "buildable",
    obstacles: [],
  },
  {
    name: "nothing tells the kernel's compiler: gcc",
    changes: {
      "/usr/bin/clang": compiler("clang version 17.0.6"),
      "/proc/version": "Linux version 6.1\n",
      [`${headers}/.config`]: null,
    },
    state: "buildable",
    obstacles: [],
  },
  {
    name: "a kernel made by clang",
    changes: {
      [`${headers}/.config`]: "CONFIG_GCC_VERSION=0\nCONFIG_CLANG_VERSION=170006\n",
      "/usr/bin/clang": compiler("clang version 17.0.6"),
    },
    state: "buildable",
    obstacles: [],
  },
  {
    name: "no make, no depmod; told by Fedora's names",
    changes: { "/usr/bin/make": null, "/usr/sbin/depmod": null, [debian]: "ID=fedora\n" },
    state: "impossible",
    obstacles: [
      ["makeMissing", "make is not installed", "dnf install make"],
      ["depmodMissing", "depmod is not installed", "dnf install kmod"],
    ],
  },
  {
    name: "an unsigned module under lockdown",
    changes: { ...installed, ...lockedDown },
    state: "impossible",
    obstacles: [["signature", "locked down (integrity)", "install dkms"]],
  },
  {
    name: "Secure Boot, with a key: a new build is signed",
    changes: {
      ...installed,
      ...secureBoot,
      "/var/lib/dkms/mok.key": "",
      "/var/lib/dkms/mok.pub": "",
    },
    state: "buildable",
    obstacles: [["signature", "Secure Boot is on", "mokutil --import /var/lib/dkms/mok.pub"]],
  },
  {
    name: "Secure Boot, nothing built, no key",
    changes: secureBoot,
    state: "impossible",
    obstacles: [["signature", "Secure Boot is on", "mokutil --import"]],
  },
  {
    name: "a signed module under lockdown",
    changes: { ...installed, ...lockedDown, [`${modules}/updates/clusterdev.ko`]: signed },
    state: "loadable",
    obstacles: [],
  },
  {
    name: "signatures enforced by the command line",
    changes: { ...installed, "/sys/module/module/parameters/sig_enforce": "Y\n" },
    state: "impossible",
    obstacles: [["signature", "enforces signatures", "install dkms"]],
  },
  {
    name: "a module for another kernel",
    changes: { ...installed, [`${modules}/updates/clusterdev.ko`]: moduleFile(version, "6.1.0-8") },
    state: "buildable",
    obstacles: [["versionMagic", "was built for Linux 6.1.0-8", "avail kmod build"]],
  },
  {
    name: "a module that depmod has not seen",
    changes: { ...installed, [`${modules}/modules.dep`]: "" },
    state: "buildable",
    obstacles: [["notIndexed", "not in modules.dep", `depmod ${release}`]],
  },
];

for (const { name, changes, target, state, obstacles } of cases) {
  Deno.test(`status: ${name}`, async () => {
    await withSystem(changes, (root) => {
      const elsewhere = target?.headers === undefined ? {} : { headers: root + target.headers };
      const facts = gatherFacts({
        root,
        toolFolders: toolFoldersOf(root),
        ...target,
        ...elsewhere,
      });
      const status = judgeModule(facts, version);
      const found = status.obstacles.map(({ kind }) => kind);
      assertEquals([status.state, ...found], [state, ...obstacles.map(([kind]) => kind)]);
      if (name.endsWith(": gcc")) assertEquals(status.compiler, "gcc 12");
      status.obstacles.forEach(({ problem, remedy }, i) => {
        assertStringIncludes(problem, obstacles[i][1]);
        assertStringIncludes(remedy, obstacles[i][2]);
      });
    });
  });
}

Deno.test("availability: the first obstacle in a sentence, without running anything", async () => {
  await withSystem({}, (root) => {
    assertEquals(clusterdevAvailability(root), {
      loadable: false,
      why: `the module clusterdev is not installed for Linux ${release}`,
    });
    assertStringIncludes(whyNoClusterdev(root), "avail kmod status tells what to do");
  });
  await withSystem(installed, (root) => {
    assertEquals(clusterdevAvailability(root).loadable, true);
    assertStringIncludes(whyNoClusterdev(root), "avail kmod load tells more");
  });
  await withSystem({ ...installed, "/proc/modules": null }, (root) => {
    assertEquals(clusterdevAvailability(root).loadable, false);
    assertStringIncludes(whyNoClusterdev(root), "without loadable modules");
  });
});

Deno.test("a system without a running kernel needs a release", async () => {
  const changes = { "/proc/sys/kernel/osrelease": null, "/proc/modules": null };
  await withSystem(changes, (root) => {
    assertThrows(() => gatherFacts({ root }), Error, "name one with --kernel RELEASE");
    const facts = gatherFacts({ root, release, toolFolders: toolFoldersOf(root) });
    assertEquals(judgeModule(facts, version).state, "buildable");
  });
});

Deno.test("links are followed inside the system, and in circles not for ever", async () => {
  const circle = { [`${modules}/build`]: { link: `${modules}/build` } };
  await withSystem(circle, (root) => {
    assertEquals(gatherFacts({ root, toolFolders: [] }).build.headers, null);
  });
  const relative = {
    [`${modules}/build`]: { link: `../../../../../usr/./src/linux-headers-${release}` },
  };
  await withSystem(relative, (root) => {
    assertEquals(gatherFacts({ root, toolFolders: [] }).build.headers, root + headers);
  });
});
