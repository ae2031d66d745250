/** `avail kmod` as people and scripts see it. */
import { moduleScreen } from "../../cli/kmod_screen.ts";
import { exitCodes } from "../../lib/errors.ts";
import type { ModuleStatus } from "../../lib/host/kernel_module/status.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { assertGolden } from "../golden.ts";
import { moduleFile, release, withSystem } from "../host/kernel_module/fake_system.ts";

const text = { colour: false, unicode: true };

const status: ModuleStatus = {
  schema: 1,
  state: "impossible",
  release,
  version: "0.1.0-01234567",
  loaded: null,
  installed: {
    path: `/lib/modules/${release}/updates/clusterdev.ko`,
    isIndexed: true,
    version: "0.0.9-89abcdef",
    release,
    isSigned: false,
  },
  headers: null,
  compiler: null,
  kernelCompiler: "gcc 12",
  dkms: false,
  secureBoot: true,
  lockdown: "integrity",
  needsSignature: true,
  obstacles: [
    {
      kind: "headersMissing",
      problem: `the headers of Linux ${release} are not installed`,
      remedy: `apt-get install linux-headers-${release}`,
    },
    {
      kind: "signature",
      problem: "Secure Boot is on: a module needs a signature by a key that this machine trusts",
      remedy: "install dkms, which makes a key and signs with it, and run: avail kmod build " +
        "--force; then enrol the key: mokutil --import /var/lib/dkms/mok.pub, reboot and confirm it",
    },
  ],
};

Deno.test("kmod status: a screen with obstacles", () => {
  assertGolden("kmod_status.txt", moduleScreen(status, text));
});

Deno.test("kmod status: no obstacle, nothing to renew; ASCII where the terminal wants it", () => {
  const fine: ModuleStatus = {
    ...status,
    state: "loaded",
    loaded: { version: status.version },
    obstacles: [],
  };
  const screen = moduleScreen(fine, { colour: false, unicode: false });
  assert(!screen.includes("Renew") && !screen.includes(">"), screen);
  const outdated = moduleScreen({ ...fine, loaded: { version: "0.0.9" } }, text);
  assertStringIncludes(outdated, "Renew it: avail kmod build; then");
  const plain = moduleScreen(status, { colour: false, unicode: false });
  assert(/^[\x20-\x7e\n]*$/.test(plain), plain);
});

async function avail(...args: string[]) {
  const main = new URL("../../cli/main.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", main, "kmod", ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("kmod status: 0 where it is loadable, 1 where it is not", async () => {
  const installed = {
    [`/lib/modules/${release}/updates/clusterdev.ko`]: moduleFile("1", release),
    [`/lib/modules/${release}/modules.dep`]: "updates/clusterdev.ko:\n",
  };
  await withSystem(installed, async (root) => {
    const { code, stdout } = await avail("status", "--root", root, "--json");
    const { schema, state } = JSON.parse(stdout);
    assertEquals([code, schema, state], [exitCodes.ok, 1, "loadable"]);
  });
  await withSystem({ "/proc/modules": null }, async (root) => {
    const { code, stdout } = await avail("status", "--root", root);
    assertEquals(code, exitCodes.failed);
    assertStringIncludes(stdout, "was built without loadable modules");
    assertStringIncludes(stdout, 'use backend = "xdp"');
    const built = await avail("build", "--root", root);
    assertEquals([built.code, built.stdout], [exitCodes.failed, ""]);
    assertStringIncludes(built.stderr, "was built without loadable modules");
  });
});

Deno.test("kmod: words that are wrong", async () => {
  const wrong: readonly (readonly [args: string[], says: string])[] = [
    [["status", "--kernel", "../6.1"], "write it as `uname -r` does"],
    [["build", "--root", "/nowhere"], "there is no such folder"],
    [["build", "--dkms", "--compiler", "gcc"], "--no-dkms"],
    [["lod"], "did you mean"],
  ];
  for (const [args, says] of wrong) {
    const { code, stderr } = await avail(...args);
    assertEquals(code, exitCodes.usage, stderr);
    assertStringIncludes(stderr, says);
  }
});
