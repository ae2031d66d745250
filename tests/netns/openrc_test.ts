/** The script for OpenRC, by OpenRC itself: over an overlay of this system, which is booted by something else. */
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import type { OverlayMachine } from "./overlay_machine.ts";
import { configure, filesOf, isRoot, onMachine, order } from "./service_lab.ts";

/** What `./dev setup` has unpacked of Debian's packages. */
const unpacked = new URL("../../.cache/openrc/root", import.meta.url).pathname;
const hasOpenrc = (() => {
  try {
    return Deno.statSync(`${unpacked}/sbin/openrc-run`).isFile;
  } catch {
    return false;
  }
})();

Deno.test({
  name: "OpenRC: install, start until ready, a crash, reload, stop, a fault, uninstall",
  ignore: !isRoot || !hasOpenrc,
  fn: () =>
    onMachine("none", async (machine) => {
      await bootOpenrc(machine);
      const before = await filesOf(machine);
      await serves(machine);
      await tellsFaults(machine);
      assertEquals((await order(machine, "uninstall")).error, undefined);
      assertEquals((await filesOf(machine)).filter((path) => !before.includes(path)), []);
    }),
});

/** Its files, without this system's own services; then what it does at boot. */
async function bootOpenrc(machine: OverlayMachine): Promise<void> {
  // Folders that are links here (/lib, /sbin) must stay links.
  const copy = "tar -C /srv/avail/.cache/openrc/root -c . | tar -C / -x --keep-directory-symlink";
  await machine.must("sh", "-c", copy);
  await machine.must("ldconfig");
  await machine.must("sh", "-c", "rm -f /etc/init.d/*; touch /etc/insserv.conf");
  await machine.must(
    "mkdir",
    "-p",
    ...["sysinit", "boot", "default"].map((l) => `/etc/runlevels/${l}`),
  );
  for (const level of ["sysinit", "boot", "default"]) await machine.run("openrc", level);
}

async function serves(machine: OverlayMachine): Promise<void> {
  const first = await order(machine, "install");
  assertEquals([first.changed, first.serviceManager], [true, "openrc"], JSON.stringify(first));
  assertEquals((await order(machine, "install")).changed, false, "the second time");
  await configure(machine);
  const running = { kind: "openrc", installed: true, enabled: true, running: true };
  assertEquals(await order(machine, "start"), running);
  const status = JSON.parse((await machine.run("avail", "status", "--json")).stdout);
  assertEquals(status.node, "fw1", "the start waited until it answers");

  const supervisor = (await machine.must("cat", "/run/supervise-avail.pid")).trim();
  const children = async () =>
    (await machine.run("cat", `/proc/${supervisor}/task/${supervisor}/children`)).stdout.trim();
  const daemon = await children();
  await machine.must("kill", "-KILL", daemon);
  await machine.waitUntil("it is started anew", async () => {
    const now = await children();
    return now !== "" && now !== daemon &&
      (await machine.run("avail", "status", "--json")).stdout !== "";
  });
  assertEquals((await order(machine, "reload")).running, true);
  assertEquals((await order(machine, "stop")).running, false);
  assertEquals((await machine.run("ls", "-A", "/run/avail")).stdout, "", "all is put back");
}

async function tellsFaults(machine: OverlayMachine): Promise<void> {
  await machine.must("sed", "-i", "s/fw1/fw_1/", "/etc/avail/avail.toml");
  const begin = performance.now();
  const { error } = await order(machine, "start");
  assertStringIncludes(error ?? "", "fw_1");
  assert(performance.now() - begin < 30_000, "not after the whole time for a start");
  assertEquals((await order(machine)).running, false);
}
