/** The unit under a real systemd: its sandbox, its watchdog, its reload and its removal. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import type { OverlayMachine } from "./overlay_machine.ts";
import { configure, filesOf, hasSystemd, isRoot, onMachine, order } from "./service_lab.ts";

Deno.test({
  name: "systemd: install, start, sandbox, watchdog, reload, stop, uninstall",
  ignore: !isRoot || !hasSystemd,
  fn: () =>
    onMachine("systemd", async (machine) => {
      const before = await filesOf(machine);
      await installed(machine);
      await confined(machine);
      await watched(machine);
      await reloaded(machine);
      await stopped(machine);
      await removed(machine, before);
    }),
});

const show = async (machine: OverlayMachine, property: string) =>
  (await machine.must("systemctl", "show", "--property", property, "--value", "avail")).trim();

async function installed(machine: OverlayMachine): Promise<void> {
  const first = await order(machine, "install");
  assertEquals([first.changed, first.serviceManager], [true, "systemd"], JSON.stringify(first));
  assertEquals((await order(machine, "install")).changed, false, "the second time");

  // Without a configuration the service is skipped, and that is no failure.
  await machine.must("systemctl", "start", "avail");
  assertEquals(await show(machine, "ActiveState"), "inactive");
  await configure(machine);
  // Systemd tells it after three seconds here, so that the test need not wait for half a minute.
  await machine.write(
    "/etc/systemd/system/avail.service.d/test.conf",
    "[Service]\nWatchdogSec=3\n",
  );
  await machine.must("systemctl", "daemon-reload");
  assertEquals(await order(machine, "start"), {
    kind: "systemd",
    installed: true,
    enabled: true,
    running: true,
  });
  const status = JSON.parse((await machine.run("avail", "status", "--json")).stdout);
  assertEquals([status.node, status.datapath.backend], ["fw1", "xdp"]);
  await machine.waitUntil(
    "all buckets are here",
    async () => (await show(machine, "StatusText")).startsWith("fw1 ready, 256 of 256 buckets"),
  );
}

/** What a check of the configuration, and so the daemon, may do in its sandbox; outside, all of it works. */
const deeds: readonly (readonly [words: string, inside: boolean])[] = [
  ["echo >/etc/avail/probe && rm /etc/avail/probe", true],
  ["echo >/var/lib/avail/probe && rm /var/lib/avail/probe", true],
  ["echo >/run/avail/probe && rm /run/avail/probe", true],
  ["cat /proc/sys/net/ipv4/ip_forward >/proc/sys/net/ipv4/ip_forward", true],
  ["mkdir /sys/fs/bpf/probe && rmdir /sys/fs/bpf/probe", true],
  ["ip link add probe0 type veth && ip link delete probe0", true],
  ["ping -c 1 127.0.0.1 >/dev/null", true],
  ["chrt --fifo 10 true", true],
  ["nft list ruleset >/dev/null", true],
  ["head -c 0 /dev/clusterdev", true],
  ["echo >/etc/probe && rm /etc/probe", false],
  ["echo >/usr/local/sbin/probe && rm /usr/local/sbin/probe", false],
  ["echo >/var/lib/probe && rm /var/lib/probe", false],
  ["echo >/run/probe && rm /run/probe", false],
  ["echo >/root/probe && rm /root/probe", false],
  ["cat /proc/sys/kernel/hostname >/proc/sys/kernel/hostname", false],
  ["head -c 0 /dev/other", false],
  ["mknod /run/avail/node c 1 3 && rm /run/avail/node", false],
  ["mount -t tmpfs tmpfs /mnt && umount /mnt", false],
  ["unshare --uts true", false],
  ["chown 1 /run/avail/avail.probe", false],
  ["hostname probe", false],
];

/** Runs every deed by a shell, and says of each how it ended; by a name that nothing else has. */
const probe = `#!/bin/sh
[ -z "$1" ] || exec >/run/avail/answer.new
touch /run/avail/avail.probe
while read -r words; do
  if (eval "$words") </dev/null >/dev/null 2>&1; then echo "yes $words"; else echo "no $words"; fi
done </srv/deeds
rm -f /run/avail/avail.probe
[ -z "$1" ] || mv /run/avail/answer.new /run/avail/answer
`;
const checkConfig = `
[[check]]
name = "probe"
command = ["/srv/probe", "inside"]
interval = "3600s"
timeout = "30s"
fall = 1
rise = 1
`;

/** CAP_NET_ADMIN, NET_RAW, IPC_LOCK, SYS_NICE, PERFMON, BPF (linux/capability.h). */
const capabilities = [12, 13, 14, 23, 38, 39];

async function confined(machine: OverlayMachine): Promise<void> {
  const told = (text: string) => text.trim().split("\n");
  const expected = (isAllowed: (inside: boolean) => boolean) =>
    deeds.map(([words, inside]) => `${isAllowed(inside) ? "yes" : "no"} ${words}`);
  // Two devices of the kind that the module's is: one by the name that the unit lets pass.
  const [one, other] = miscDevices(await machine.must("cat", "/proc/misc"));
  await machine.must("mknod", "/dev/clusterdev", "c", "10", one);
  await machine.must("mknod", "/dev/other", "c", "10", other);
  await machine.write("/srv/deeds", deeds.map(([words]) => `${words}\n`).join(""));
  await machine.write("/srv/probe", probe, 0o755);
  assertEquals(told(await machine.must("/srv/probe")), expected(() => true), "outside");

  const config = await machine.must("cat", "/etc/avail/avail.toml");
  await machine.write("/etc/avail/avail.toml", config + checkConfig);
  await machine.must("systemctl", "restart", "avail");
  let answer = "";
  await machine.waitUntil("the check has run", async () => {
    answer = (await machine.run("cat", "/run/avail/answer")).stdout;
    return answer !== "";
  });
  assertEquals(told(answer), expected((inside) => inside), "inside");
  await machine.write("/etc/avail/avail.toml", config);
  await machine.must("rm", "/run/avail/answer", "/dev/clusterdev", "/dev/other");
  await machine.must("systemctl", "restart", "avail");

  const pid = await show(machine, "MainPID");
  const status = await machine.must("cat", `/proc/${pid}/status`);
  const wanted = capabilities.reduce((bits, bit) => bits | 1n << BigInt(bit), 0n);
  assertEquals(BigInt("0x" + /^CapBnd:\s*(\w+)$/m.exec(status)![1]), wanted);
  assertMatch(status, /^NoNewPrivs:\s*1$/m);
  assertMatch(status, /^Seccomp:\s*2$/m);
  const log = await machine.must("journalctl", "--unit", "avail", "--output", "cat");
  assertStringIncludes(log, "real time", "the core's thread has its priority");
  await inJournal(machine);
}

/** The journal has the daemon's own fields, under its unit. */
async function inJournal(machine: OverlayMachine): Promise<void> {
  const find = async (match: string) => {
    const text = await machine.must("journalctl", "--unit", "avail", "--output", "json", match);
    return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  };
  const [started] = await find("AVAIL_EVENT=started");
  assertMatch(started.MESSAGE, /^started {2}node=/);
  assertEquals([started.PRIORITY, started.SYSLOG_IDENTIFIER], ["6", "avail"]);
  assertEquals(started.AVAIL_NODE, started.AVAIL_THIS_NODE);
  assertEquals(await find("AVAIL_EVENT=never"), []);
}

/** Minor numbers of two devices that root may open (misc.c of the kernel keeps the list). */
function miscDevices(list: string): string[] {
  const harmless = ["tun", "fuse", "loop-control", "vga_arbiter", "rfkill"];
  const found = harmless.flatMap((name) =>
    new RegExp(`^\\s*(\\d+) ${name}$`, "m").exec(list)?.[1] ?? []
  );
  assert(found.length >= 2, `too few devices in ${list}`);
  return found;
}

async function watched(machine: OverlayMachine): Promise<void> {
  const pid = await show(machine, "MainPID");
  // The control: twice the watchdog's time, and nobody was killed.
  await new Promise((resolve) => setTimeout(resolve, 6000));
  assertEquals([await show(machine, "NRestarts"), await show(machine, "MainPID")], ["0", pid]);
  await machine.must("kill", "-STOP", pid);
  await machine.waitUntil(
    "a hung daemon is started anew",
    async () =>
      await show(machine, "NRestarts") === "1" && await show(machine, "ActiveState") === "active",
  );
  assert(await show(machine, "MainPID") !== pid);
}

async function reloaded(machine: OverlayMachine): Promise<void> {
  assertEquals((await order(machine, "reload")).running, true);
}

async function stopped(machine: OverlayMachine): Promise<void> {
  assertEquals((await order(machine, "stop")).running, false);
  assertEquals([await show(machine, "Result"), await show(machine, "ActiveState")], [
    "success",
    "inactive",
  ]);
  assertEquals((await machine.run("ls", "-A", "/run/avail")).stdout, "", "all is put back");
  // A configuration with a fault: told at once, and not tried again and again.
  await machine.must("sed", "-i", "s/eth0/eth9/", "/etc/avail/avail.toml");
  const { error } = await order(machine, "start");
  assertStringIncludes(error ?? "", "journalctl -u avail");
  assertEquals(await show(machine, "NRestarts"), "0");
  await machine.must("sed", "-i", "s/eth9/eth0/", "/etc/avail/avail.toml");
}

async function removed(machine: OverlayMachine, before: readonly string[]): Promise<void> {
  await order(machine, "start");
  await machine.waitUntil(
    "all buckets are here",
    async () => (await show(machine, "StatusText")).startsWith("fw1 ready, 256 of 256 buckets"),
  );
  const refused = await order(machine, "uninstall");
  assertStringIncludes(refused.error ?? "", "fw1 handles 256 buckets and no other node is there");
  assertEquals((await order(machine)).running, true, "nothing was stopped");
  const { error } = await order(machine, "uninstall", "force");
  assertEquals(error, undefined);
  assertEquals(await filesOf(machine), before);
  assertEquals((await machine.run("systemctl", "cat", "avail")).code, 1);
  assertEquals((await order(machine, "uninstall")).changed, false, "the second time");
}
