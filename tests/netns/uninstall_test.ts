/** Two machines: one is removed while it serves, and the other has all buckets before its daemon ends. */
import type { Status } from "../../lib/control.ts";
import { assert, assertEquals } from "../assert.ts";
import { ownedBy } from "./cluster.ts";
import { OverlayMachine } from "./overlay_machine.ts";
import { configure, filesOf, isRoot, order } from "./service_lab.ts";

Deno.test({
  name: "uninstall: a node of two hands over first, and leaves nothing",
  ignore: !isRoot,
  fn: async () => {
    await using first = await OverlayMachine.boot("none");
    await using second = await OverlayMachine.boot("none");
    const before = await filesOf(second);
    await connect(first, second);
    await configure(first);
    await copyConfiguration(first, second);
    for (const machine of [first, second]) {
      assertEquals((await order(machine, "install")).error, undefined);
      assertEquals((await order(machine, "start")).error, undefined);
    }
    await first.waitUntil("each has half of the buckets, and it is safe", async () => {
      const status = await statusOf(first);
      return status.safe && ownedBy(status, "fw1") === 128 && ownedBy(status, "fw2") === 128;
    });

    const removal = await order(second, "uninstall");
    assertEquals(removal.error, undefined);
    const ran = removal.steps!.filter(({ action }) => action === "run").map(({ path }) => path);
    assertEquals(ran.slice(0, 2), ["avail drain", "/etc/init.d/avail stop"]);
    const left = (await filesOf(second)).filter((path) => !before.includes(path));
    assertEquals(left, []);
    const status = await statusOf(first);
    assertEquals(ownedBy(status, "fw1"), 256);
    // Planned moves, no takeover: the other one says so itself.
    const log = await first.must("cat", "/var/log/avail.log");
    assert(log.includes('"event":"released"') && !log.includes('"event":"peer-dead"'), log);

    // The control: a daemon that is killed hands nothing over.
    await order(second, "install");
    await copyConfiguration(first, second);
    await order(second, "start");
    await first.waitUntil(
      "it has its half again",
      async () => ownedBy(await statusOf(first), "fw2") === 128,
    );
    await second.must("kill", "-KILL", (await second.must("cat", "/run/avail/avail.pid")).trim());
    await first.waitUntil(
      "the death is told",
      async () => (await first.must("cat", "/var/log/avail.log")).includes('"event":"peer-dead"'),
    );
  },
});

async function statusOf(machine: OverlayMachine): Promise<Status> {
  return JSON.parse((await machine.run("avail", "status", "--json")).stdout);
}

/** Both share interfaces on one bridge, which is in the first machine. */
async function connect(first: OverlayMachine, second: OverlayMachine): Promise<void> {
  const { success } = await new Deno.Command("nsenter", {
    args: ["--target", String(second.pid), "--net", "ip", "link", "set", "sw0"]
      .concat(["name", "sw1", "netns", String(first.pid)]),
  }).output();
  assert(success, "the second machine's cable");
  const ip = (machine: OverlayMachine, ...words: string[]) => machine.must("ip", ...words);
  await ip(first, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
  for (const port of ["sw0", "sw1"]) await ip(first, "link", "set", port, "master", "br0", "up");
  await ip(first, "link", "set", "br0", "up");
  await ip(second, "address", "flush", "dev", "eth0");
  await ip(second, "address", "add", "192.0.2.12/24", "dev", "eth0");
}

async function copyConfiguration(from: OverlayMachine, to: OverlayMachine): Promise<void> {
  const config = await from.must("cat", "/etc/avail/avail.toml");
  await to.write("/etc/avail/avail.toml", config.replace("fw1", "fw2"));
  await to.write("/etc/avail/cluster.key", await from.must("cat", "/etc/avail/cluster.key"), 0o600);
}
