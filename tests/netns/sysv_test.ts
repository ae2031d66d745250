/** The SysV script where no service manager is at work, as in a container: done for real, by dash. */
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import type { OverlayMachine } from "./overlay_machine.ts";
import { configure, filesOf, isRoot, onMachine, order } from "./service_lab.ts";

const script = "/etc/init.d/avail";

Deno.test({
  name: "SysV: install, start until ready, status, reload, stop, a crash, a fault, uninstall",
  ignore: !isRoot,
  fn: () =>
    onMachine("none", async (machine) => {
      const before = await filesOf(machine);
      await fillsDisk(machine);
      await installed(machine);
      await serves(machine);
      await survivesCrash(machine);
      await tellsFaults(machine);
      await removed(machine, before);
    }),
});

/** A disk without room: told, nothing half written, and the next attempt goes on. */
async function fillsDisk(machine: OverlayMachine): Promise<void> {
  await machine.must("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", "/usr/local/share");
  const { error } = await order(machine, "install");
  assertStringIncludes(error ?? "", "write /usr/local/share/");
  assertStringIncludes(error ?? "", "No space left on device");
  const left = await machine.must("find", "/usr/local/share", "-name", "*.new*");
  assertEquals(left, "", "no part of a file");
  assertEquals((await order(machine)).installed, true, "what came before it is there");
  await machine.must("umount", "/usr/local/share");
  assertEquals((await order(machine, "uninstall")).error, undefined, "a half one can be removed");
}

async function installed(machine: OverlayMachine): Promise<void> {
  const first = await order(machine, "install");
  assertEquals([first.changed, first.serviceManager], [true, "sysv"], JSON.stringify(first));
  assertEquals((await order(machine, "install")).changed, false, "the second time");
  const unconfigured = await machine.run(script, "start");
  assertEquals(unconfigured.code, 1);
  assertStringIncludes(unconfigured.stderr, "write it: avail init, or avail join");
  assertEquals((await machine.run(script, "status")).code, 3);
  await configure(machine);
}

async function serves(machine: OverlayMachine): Promise<void> {
  const state = { kind: "sysv", installed: true, enabled: true };
  assertEquals(await order(machine, "start"), { ...state, running: true });
  // It answers from the first moment on: that is what the start waited for.
  assertEquals((await statusOf(machine)).node, "fw1");
  assertEquals((await machine.run(script, "status")).code, 0);
  const pid = await pidOf(machine);
  const again = await machine.run(script, "start");
  assertEquals([again.code, await pidOf(machine)], [0, pid]);
  assertStringIncludes(again.stdout, `is running already (process ${pid})`);

  assertEquals((await order(machine, "reload")).running, true);
  assertEquals((await order(machine, "restart")).running, true);
  assert(await pidOf(machine) !== pid);
  assertEquals(await order(machine, "stop"), { ...state, running: false });
  assertEquals((await machine.run("ls", "-A", "/run/avail")).stdout, "", "all is put back");
  assertEquals((await machine.run(script, "stop")).code, 0, "once more is no failure");
  const log = await machine.must("cat", "/var/log/avail.log");
  assertStringIncludes(log, '"stopped"');
  assertEquals((await machine.must("stat", "-c", "%a", "/var/log/avail.log")).trim(), "600");
}

async function survivesCrash(machine: OverlayMachine): Promise<void> {
  await order(machine, "start");
  const pid = await pidOf(machine);
  await machine.must("kill", "-KILL", pid);
  await machine.waitUntil(
    "it is dead",
    async () => (await machine.run("test", "-e", `/proc/${pid}/exe`)).code !== 0,
  );
  assertEquals((await machine.run(script, "status")).code, 1, "dead, and its pid file is there");
  // The number belongs to another process now: that one is neither taken for it, nor killed.
  await machine.write("/run/avail/avail.pid", "1\n");
  assertEquals((await machine.run(script, "status")).code, 1);
  assertEquals((await order(machine, "start")).running, true);
  assert(await pidOf(machine) !== "1");

  // A daemon that hangs is killed in the end.
  await machine.write("/etc/default/avail", "SILENT_SECONDS=10\n");
  await machine.must("kill", "-STOP", await pidOf(machine));
  const stopped = await machine.run(script, "stop");
  assertStringIncludes(stopped.stdout, "answers nothing; killing it");
  assertEquals((await machine.run(script, "status")).code, 3);
  assertEquals((await order(machine, "start")).running, true, "what it left is taken over");
  await order(machine, "stop");
}

async function tellsFaults(machine: OverlayMachine): Promise<void> {
  await machine.must("sed", "-i", "s/eth0/eth9/", "/etc/avail/avail.toml");
  const begin = performance.now();
  const { error } = await order(machine, "start");
  assertStringIncludes(error ?? "", '"eth9": there is no such interface');
  assert(performance.now() - begin < 30_000, "not after the whole time for a start");
  assertEquals((await machine.run(script, "status")).code, 3);
  await machine.must("sed", "-i", "s/eth9/eth0/", "/etc/avail/avail.toml");
}

async function removed(machine: OverlayMachine, before: readonly string[]): Promise<void> {
  await order(machine, "start");
  await machine.waitUntil(
    "all buckets are here",
    async () => (await statusOf(machine)).members[0].buckets === 256,
  );
  const refused = await order(machine, "uninstall");
  assertStringIncludes(refused.error ?? "", "fw1 handles 256 buckets and no other node is there");
  assertEquals((await machine.run(script, "status")).code, 0, "nothing was stopped");
  await order(machine, "uninstall", "keep", "force");
  assertEquals(await differenceTo(machine, before), [
    "/etc/avail",
    "/etc/avail/avail.toml",
    "/etc/avail/cluster.key",
    "/etc/default/avail",
  ]);
  // Installed again over the kept configuration, killed, and removed with what it left in the kernel.
  await order(machine, "install");
  await order(machine, "start");
  await machine.must("kill", "-KILL", await pidOf(machine));
  assertEquals((await order(machine, "uninstall")).error, undefined);
  assertEquals(await differenceTo(machine, before), []);
  assertEquals(
    (await machine.must("ip", "-br", "address", "show", "eth0")).includes("192.0.2.1/32"),
    false,
  );
  assertEquals((await machine.run("sh", "-c", "ls /sys/fs/bpf | grep avail")).stdout, "");
}

async function differenceTo(machine: OverlayMachine, before: readonly string[]): Promise<string[]> {
  return (await filesOf(machine)).filter((path) => !before.includes(path));
}

async function statusOf(machine: OverlayMachine) {
  return JSON.parse((await machine.run("avail", "status", "--json")).stdout);
}

async function pidOf(machine: OverlayMachine): Promise<string> {
  return (await machine.must("cat", "/run/avail/avail.pid")).trim();
}
