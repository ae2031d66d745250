/** What `avail init`, `join` and `token` show. */
import { initScreen, interfaceTable, tokenLines } from "../../cli/setup/screens.ts";
import { joinScreen } from "../../cli/setup/join_screen.ts";
import type { IssuedToken } from "../../cli/setup/issue_token.ts";
import { width } from "../../cli/render.ts";
import { readConfig } from "../../lib/config_file.ts";
import { readAddressPrefix } from "../../lib/config_values.ts";
import type { Slot } from "../../lib/setup/match_interfaces.ts";
import { assert, assertEquals } from "../assert.ts";
import { sound } from "../config_cases.ts";
import { assertGolden } from "../golden.ts";
import { facing, loopback } from "../setup/machines.ts";

const style = { colour: false, unicode: true };
const { config } = readConfig(sound, { file: "/etc/avail/avail.toml", hostName: "fw1" });

const token: IssuedToken = {
  id: "0123456789abcdef",
  text: "avail1.awLrKSUH25lLHSou-O4UNxySQUg3ngMECgAAAQTAAAILBMYzZAsDZncxBGVkZ2WoT01A",
  uses: 1,
  expiresAt: 1_800_000_000_000,
  lifetimeMs: 3_600_000,
  listening: ["10.0.0.1:9479"],
  problem: null,
};

const warning = {
  file: "--share eth0",
  line: 0,
  where: "",
  problem: '"eth0" has no carrier',
  remedy: "plug it in, or look at the switch: without it this node owns no buckets",
};

const written = ["/etc/avail/cluster.key", "/etc/avail/avail.toml"];
const ready = { kind: "ready", buckets: 256, tookMs: 4321 } as const;
const stopped = {
  kind: "not started",
  command: "avail install && systemctl start avail",
  why: "the service is not installed",
} as const;

Deno.test("init: the node runs", () => {
  const told = { config, written, start: ready, token, warnings: [] };
  assertGolden("init_ready.txt", initScreen(told, style));
});

Deno.test("init: the node does not run, the key was kept, and there is a warning", () => {
  const problem = "the daemon of fw1 does not run; start it before the next node joins";
  const told = {
    config,
    written: written.slice(1),
    start: stopped,
    token: { ...token, problem, uses: 3, lifetimeMs: 172_800_000 },
    warnings: [warning],
  };
  assertGolden("init_stopped.txt", initScreen(told, style));
});

Deno.test("join: which interface is which, and how it was found", () => {
  const networks = (...texts: string[]) => texts.map((text) => readAddressPrefix(text)!);
  const slots: Slot[] = [
    { kind: "share", number: 1, interface: "eth0", networks: networks("192.0.2.1/24") },
    { kind: "share", number: 2, interface: "eth1", networks: networks("198.51.100.1/24") },
    { kind: "link", number: 1, interface: "eth2", networks: networks("10.0.0.1/24") },
    { kind: "link", number: 2, interface: "eth3", networks: [] },
  ];
  const matches = [
    { interface: "ens3", by: "network" },
    { interface: "ens4", by: "answer" },
    { interface: "eth2", by: "name" },
    null,
  ] as const;
  const start = { ...ready, buckets: 128 };
  const told = { config, written, start, warnings: [warning], issuer: "fw1", slots, matches };
  assertGolden("join_ready.txt", joinScreen(told, style));
});

Deno.test("the line to copy stands alone, and nothing else is wider than 80 columns", () => {
  const coloured = { colour: true, unicode: true };
  for (const  of of[style, coloured]) {
    const told = { config, written, start: stopped, token, warnings: [warning] };
    const lines = initScreen(told, of).split("\n");
    assertEquals(lines.filter((line) => line === `avail join ${token.text}`).length, 1);
    for (const line of lines) {
      assert(width(line) <= 80 || line.startsWith("avail join "), line);
    }
  }
});

Deno.test("how long and how often a token is good", () => {
  const first = (lifetimeMs: number, uses: number) =>
    tokenLines({ ...token, lifetimeMs, uses }, style)[0].trim();
  assertEquals([
    first(60_000, 1),
    first(1_800_000, 2),
    first(7_200_000, 1),
    first(172_800_000, 5),
  ], [
    "On the next node, within a minute, once:",
    "On the next node, within 30 minutes, for 2 nodes:",
    "On the next node, within 2 hours, once:",
    "On the next node, within 2 days, for 5 nodes:",
  ]);
  assertEquals(tokenLines(null, style), [" No node can join yet; when one shall: avail token"]);
});

Deno.test("the interfaces of a machine: only what can be a share or a link", () => {
  const machine = [
    loopback,
    facing("eth0", ["192.0.2.11/24", "fe80::1/64"], { hasDefaultRoute: true }),
    facing("eth1", [], { hasCarrier: false }),
    facing("bond0.7", ["10.0.0.1/24", "2001:db8::1/64"], { kind: "vlan" }),
    facing("eth3", [], { isUp: false }),
    facing("eth4", [], { master: "bond0" }),
  ];
  assertEquals(interfaceTable(machine, style), [
    " INTERFACE  KIND      STATE              ADDRESSES",
    " eth0       ethernet  up, default route  192.0.2.11/24",
    " eth1       ethernet  no carrier         none",
    " bond0.7    vlan      up                 10.0.0.1/24, 2001:db8::1/64",
    " eth3       ethernet  down               none",
  ]);
  assertEquals(interfaceTable([loopback], style), [" This machine has no Ethernet interface."]);
});
