/** Building: what is planned, and what is done with tools that are scripts, and with the real ones. */
import { buildModule } from "../../../lib/host/kernel_module/build.ts";
import { kernelFacts } from "../../../lib/host/kernel_module/kernel_facts.ts";
import {
  type BuildOptions,
  describeStep,
  planBuild,
} from "../../../lib/host/kernel_module/plan.ts";
import type { PackedSource } from "../../../lib/host/kernel_module/source.ts";
import { gatherFacts } from "../../../lib/host/kernel_module/status.ts";
import { Tree } from "../../../lib/host/kernel_module/tree.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../../assert.ts";
import { type FakeFile, moduleFile, release, toolFoldersOf, withSystem } from "./fake_system.ts";

const version = "0.1.0-01234567";
const source: PackedSource = {
  format: 1,
  version,
  digest: "",
  files: { "Kbuild": "obj-m := clusterdev.o\n", "main.c": "int x;\n" },
};
const headers = `/usr/src/linux-headers-${release}`;
const modules = `/lib/modules/${release}`;
const tools = {
  "/usr/bin/strip": { script: "exit 0" },
  "/usr/sbin/dkms": { script: "exit 0" },
  [`${headers}/scripts/sign-file`]: { script: "exit 0" },
};
const mok = { "/var/lib/dkms/mok.key": "", "/var/lib/dkms/mok.pub": "" };

/** The steps as they are told, with the system's own paths shortened. */
async function planned(
  changes: Record<string, FakeFile>,
  options: Partial<BuildOptions> = {},
  isOwnRoot = true,
): Promise<string[]> {
  return await withSystem(changes, (root) => {
    const facts = gatherFacts({ root, toolFolders: toolFoldersOf(root) });
    const places = {
      root: isOwnRoot ? "" : "/image",
      modules,
      makefile: null,
      signFile: `${headers}/scripts/sign-file`,
    };
    const steps = planBuild(facts, source, places, { jobs: 2, ...options });
    return steps.map((step) => describeStep(step).replaceAll(root, ""));
  });
}

const work = `/var/lib/avail/kmod/${version}-${release}`;
const make = `run /usr/bin/make -C ${headers} -j2 M=${work} CC=/usr/bin/gcc-12 ` +
  "CONFIG_DEBUG_INFO_BTF_MODULES= modules";

Deno.test("plan: with make, where there is no DKMS", async () => {
  assertEquals(await planned({}), [
    `write the source to ${work}`,
    make,
    `install ${modules}/updates/clusterdev.ko`,
    `run /usr/sbin/depmod ${release}`,
  ]);
});

Deno.test("plan: stripped, signed where the kernel wants it, and DKMS's taken away", async () => {
  const dkms = { "/var/lib/dkms/clusterdev/0.0.9/source": "" };
  const enforced = { "/sys/module/module/parameters/sig_enforce": "Y\n" };
  const steps = await planned({ ...tools, ...mok, ...dkms, ...enforced }, { dkms: false });
  assertEquals(steps.slice(2, 5), [
    `run /usr/bin/strip --strip-debug ${work}/clusterdev.ko`,
    `run ${headers}/scripts/sign-file sha256 /var/lib/dkms/mok.key /var/lib/dkms/mok.pub ` +
    `${work}/clusterdev.ko`,
    "run /usr/sbin/dkms remove clusterdev/0.0.9 --all",
  ]);
  const unforced = await planned({ ...tools, ...mok }, { dkms: false });
  assertEquals(unforced.filter((step) => step.includes("sign-file")), []);
});

Deno.test("plan: with DKMS, and old versions go when the new one is built", async () => {
  const own = { [`${modules}/updates/clusterdev.ko`]: moduleFile("0.0.9", release) };
  const old = { "/var/lib/dkms/clusterdev/0.0.9/source": "" };
  const name = `clusterdev/${version}`;
  assertEquals(await planned({ ...tools, ...own, ...old }), [
    `write the source to /usr/src/clusterdev-${version}`,
    `run /usr/sbin/dkms add ${name}`,
    `run /usr/sbin/dkms build ${name} -k ${release}`,
    "run /usr/sbin/dkms remove clusterdev/0.0.9 --all",
    "remove /usr/src/clusterdev-0.0.9",
    `remove ${modules}/updates/clusterdev.ko`,
    `run /usr/sbin/dkms install ${name} -k ${release} --force`,
  ]);
  const same = { [`/var/lib/dkms/${name}/source`]: "" };
  assertEquals(
    (await planned({ ...tools, ...same }))[0],
    `run /usr/sbin/dkms remove ${name} --all`,
  );
});

Deno.test("plan: nothing, where the same is installed for this kernel and can be found", async () => {
  const index = { [`${modules}/modules.dep`]: "updates/clusterdev.ko:\n" };
  const file = (text: string) => ({ [`${modules}/updates/clusterdev.ko`]: text });
  const current = { ...index, ...file(moduleFile(version, release)) };
  assertEquals(await planned(current), []);
  const stale = [
    { ...current, ...file(moduleFile("0.1.0-other", release)) },
    { ...current, ...file(moduleFile(version, "6.1.0-8-amd64")) },
    { ...current, [`${modules}/modules.dep`]: "" },
  ];
  for (const changes of stale) assertEquals((await planned(changes)).length, 4);
  assertEquals((await planned(current, { force: true })).length, 4);

  // A compressed module cannot be looked into; DKMS knows what it has built.
  const packed: Record<string, FakeFile> = {
    ...tools,
    [`${modules}/updates/dkms/clusterdev.ko.xz`]: "",
    [`${modules}/modules.dep`]: "updates/dkms/clusterdev.ko.xz:\n",
    [`/var/lib/dkms/clusterdev/${version}/source`]: "",
  };
  const built = { [`/var/lib/dkms/clusterdev/${version}/${release}/x86_64/log`]: "" };
  assertEquals(await planned({ ...packed, ...built }), []);
  assert((await planned(packed)).length > 0);
});

Deno.test("plan: all obstacles at once; a compiler that is asked for is none", async () => {
  const bare = { "/usr/bin/gcc-12": null, "/usr/bin/make": null };
  const error = await assertRejects(() => planned(bare));
  assertStringIncludes((error as Error).message, "gcc is not installed");
  assertStringIncludes((error as Error).message, "apt-get install make");
  await assertRejects(() => planned(bare, { compiler: "/usr/bin/gcc" }), Error, "make");
  const asked = { compiler: "/nowhere/gcc" };
  await assertRejects(() => planned({}, asked), Error, "this is no gcc or clang");
  await assertRejects(() => planned({}, { dkms: true }), Error, "apt-get install dkms");
  await assertRejects(() => planned(tools, { dkms: true }, false), Error, "its own system only");
});

/** Stands for make: builds what the test wants in the folder that M names. */
const makeScript = `
for word; do case $word in M=*) folder=\${word#M=} ;; esac; done
test -f "$folder/main.c" || exit 1
test -z "$ARCH$MAKEFLAGS" || exit 1
if [ -f "$folder/broken.c" ]; then echo "broken.c:1: error: no" >&2; exit 2; fi
echo "  LD [M]  clusterdev.ko"
printf '\\0version=${version}\\0vermagic=${release} SMP\\0' > "$folder/clusterdev.ko"`;
const depmodScript = `echo updates/clusterdev.ko: > "$2/lib/modules/$3/modules.dep"`;
const scripts = {
  "/usr/bin/make": { script: makeScript },
  "/usr/sbin/depmod": { script: depmodScript },
};

Deno.test("build: installs, tells, does nothing twice, and keeps what is there on failure", async () => {
  await withSystem(scripts, async (root) => {
    const target = { root, toolFolders: toolFoldersOf(root) };
    const steps: string[] = [];
    const output: string[] = [];
    const report = {
      step: (text: string) => void steps.push(text),
      output: (line: string) => void output.push(line),
    };
    const ko = `${root}${modules}/updates/clusterdev.ko`;
    const build = (from: PackedSource, isDryRun = false) =>
      buildModule(from, target, { jobs: 1 }, report, isDryRun);

    Deno.env.set("MAKEFLAGS", "-n");
    try {
      const dry = await build(source, true);
      assertEquals([dry.steps.length, steps.length], [4, 0]);
      assertThrows(() => Deno.statSync(ko), Deno.errors.NotFound);

      const built = await build(source);
      assertEquals(built.steps, steps);
      assertEquals(output, ["  LD [M]  clusterdev.ko"]);
      const { installed } = kernelFacts(new Tree(root), release);
      assertEquals([installed?.version, installed?.isIndexed], [version, true]);
      assertEquals((await build(source)).steps, []);

      const worse = {
        ...source,
        version: "0.2.0-89abcdef",
        files: { ...source.files, "broken.c": "" },
      };
      const error = await assertRejects(() => build(worse));
      assertStringIncludes((error as Error).message, "broken.c:1: error: no");
      const log = /all of it: (\S+)/.exec((error as Error).message)![1];
      assertStringIncludes(Deno.readTextFileSync(log), "error: no");
      assertEquals(kernelFacts(new Tree(root), release).installed?.version, version);
    } finally {
      Deno.env.delete("MAKEFLAGS");
    }
  });
});
