/** The configuration of a node that joins: what it takes over, and what is its own. */
import { readConfig } from "../../lib/config_file.ts";
import { formatFault } from "../../lib/errors.ts";
import { templateOf } from "../../lib/joining/template.ts";
import { readSettingWords } from "../../lib/setup/flag_words.ts";
import { joinedDraft, slotsOf } from "../../lib/setup/joined_config.ts";
import { matchInterfaces } from "../../lib/setup/match_interfaces.ts";
import type { InterfaceFacts } from "../../lib/setup/facts.ts";
import { assertEquals } from "../assert.ts";
import { sound } from "../config_cases.ts";
import { facing, loopback } from "./machines.ts";

const theirFacts = [
  facing("eth0", ["192.0.2.11/24", "2001:db8::11/64"]),
  facing("eth1", ["198.51.100.11/24"]),
  facing("eth2", ["172.16.0.1/24", "10.0.0.1/24"]),
];
const usual = [
  loopback,
  facing("ens3", ["192.0.2.12/24"]),
  facing("ens4", ["198.51.100.12/24"]),
  facing("ens5", ["10.0.0.2/24"]),
];

/** As the node joins that has these interfaces, when the other one has this configuration. */
function joined(facts: readonly InterfaceFacts[], text = sound, ...settings: string[]) {
  const read = (text: string) => readConfig(text, { file: "avail.toml", hostName: "fw1" }).config;
  const template = templateOf(read(text), theirFacts, { members: ["fw1"], now: 0 });
  const theirs = read(template.config);
  const slots = slotsOf(theirs, template);
  const { matches } = matchInterfaces(slots, facts, []);
  return joinedDraft(theirs, {
    file: "/etc/avail/avail.toml",
    keyFile: "/etc/avail/cluster.key",
    name: "fw2",
    interfaces: matches.map((match) => match?.interface ?? null),
    slots,
    facts,
    settings: settings.map(readSettingWords),
  });
}

Deno.test("shares, detection and the rest are the cluster's; name and interfaces are its own", () => {
  const { config, faults } = joined(usual, `${sound}\n[detection]\ninterval = "50ms"\n`);
  assertEquals(faults, []);
  assertEquals([config.node.name, config.cluster.name, config.detection.intervalMs], [
    ...["fw2", "edge", 50],
  ]);
  assertEquals(config.shares.map((share) => share.interface), ["ens3", "ens4"]);
  assertEquals(config.shares.map(({ addresses }) => addresses[0].address), [
    ...["192.0.2.1", "198.51.100.1"],
  ]);
  assertEquals(config.cluster.keyFile, "/etc/avail/cluster.key");
});

Deno.test("a weight is a node's own; settings have the last word", () => {
  const text = sound.replace('name = "fw1"', 'name = "fw1"\nweight = 4.0');
  assertEquals(joined(usual, text).config.node.weight, 1);
  assertEquals(joined(usual, text, "node.weight=2").config.node.weight, 2);
  assertEquals(joined(usual, sound, "node.weight=-1").faults.map(formatFault), [
    "--set node.weight: -1 is out of range; write a number from 0.01 to 1000",
  ]);
});

Deno.test("a link's address: the first one where it fits, else the one in the link's network", () => {
  const linkOf = (...addresses: string[]) => {
    const machine = [...usual.slice(0, 3), facing("ens5", addresses)];
    return joined(machine).config.links[0];
  };
  assertEquals(linkOf("10.0.0.2/24"), { interface: "ens5", address: null });
  assertEquals(linkOf("172.16.0.2/24", "10.0.0.2/24"), { interface: "ens5", address: null });
  assertEquals(linkOf("192.168.0.2/24", "10.0.0.2/24"), { interface: "ens5", address: "10.0.0.2" });
});

Deno.test("metrics: the other node's own address becomes this one's", () => {
  const listenOf = (listen: string) =>
    joined(usual, `${sound}\n[metrics]\nlisten = "${listen}"\n`).config.metrics.listen;
  const cases = [
    ["off", "off"],
    ["127.0.0.1:9000", "127.0.0.1:9000"],
    ["0.0.0.0:9477", "0.0.0.0:9477"],
    ["[::]:9477", "[::]:9477"],
    ["192.0.2.11:9477", "192.0.2.12:9477"],
    ["10.0.0.1:9477", "10.0.0.2:9477"],
    ["[2001:db8::11]:9477", "127.0.0.1:9477"], // this node has none in that network
    ["203.0.113.7:9477", "127.0.0.1:9477"],
  ];
  assertEquals(cases.map(([listen]) => listenOf(listen)), cases.map(([, here]) => here));
});

Deno.test("a fault of the machine is told at its share or link", () => {
  const { placed } = joined(usual);
  const fault = { file: "this machine", line: 0, problem: "is down", remedy: "set it up" };
  const told = ["share[1].interface", "link[0].interface", "replication.port"].map((where) =>
    formatFault(placed({ ...fault, where }))
  );
  assertEquals(told, [
    "share 2 (eth1: 198.51.100.1/24, fe80::1/64): is down; set it up",
    "link 1 (eth2: 172.16.0.1/24, 10.0.0.1/24): is down; set it up",
    "--set replication.port: is down; set it up",
  ]);
});
