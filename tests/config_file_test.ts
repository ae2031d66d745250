import { ConfigError, formatFault } from "../lib/errors.ts";
import { readConfig } from "../lib/config_file.ts";
import { assertEquals, assertMatch, assertThrows } from "./assert.ts";
import { type FaultyCase, faultyCases, sound } from "./config_cases.ts";

const source = { file: "avail.toml", hostName: "fw9.example.net" };

function textOf({ text, change = [], name }: FaultyCase): string {
  if (text !== undefined) return text;
  let changed = sound;
  for (const [from, to] of change) {
    assertEquals(changed.includes(from), true, `${name}: nothing to change`);
    changed = changed.replace(from, to);
  }
  return changed;
}

function faultsOf(text: string): string[] {
  const { faults } = assertThrows(() => readConfig(text, source), ConfigError);
  return faults.map((fault) => `${fault.line}: ${fault.where}: ${fault.problem}; ${fault.remedy}`);
}

for (const faulty of faultyCases) {
  Deno.test(`configuration refused: ${faulty.name}`, () => {
    assertEquals(faultsOf(textOf(faulty)), [...faulty.faults]);
  });
}

Deno.test("the sound configuration that the faulty ones change is accepted", () => {
  const { config, warnings } = readConfig(sound, source);
  assertEquals(warnings.length, 0);
  assertEquals(config.shares.map((share) => share.addresses.map((a) => a.address)), [
    ["192.0.2.1", "2001:db8::1"],
    ["198.51.100.1", "fe80::1"],
  ]);
});

Deno.test("every key of the contract is read", () => {
  const { config } = readConfig(
    `
[cluster]
name = "edge"
key_file = "/k"
partition = "majority"
[node]
name = "fw1"
weight = 2.5
[[link]]
interface = "eth2"
address = "fd00:0::1"
[[share]]
interface = "eth0.100"
addresses = ["192.0.2.1/32", "FE80::1/64"]
key = "inside"
side = "outside"
nat = true
mac = "03:00:5E:01:02:03"
[detection]
interval = "0.05s"
multiplier = 4
[replication]
backups = "all"
port = 1234
enabled = false
[datapath]
backend = "xdp"
mark_mask = 0x000001ff
[control]
socket = "/s"
[metrics]
listen = "off"
`,
    source,
  );
  assertEquals(config, {
    file: "avail.toml",
    cluster: { name: "edge", keyFile: "/k", partition: "majority" },
    node: { name: "fw1", weight: 2.5 },
    links: [{ interface: "eth2", address: "fd00::1" }],
    shares: [{
      interface: "eth0.100",
      addresses: [
        { family: 4, address: "192.0.2.1", prefixLength: 32 },
        { family: 6, address: "fe80::1", prefixLength: 64 },
      ],
      key: "inside",
      side: "outside",
      nat: true,
      mac: "03:00:5e:01:02:03",
    }],
    detection: { intervalMs: 50, multiplier: 4 },
    replication: { backups: "all", port: 1234, enabled: false },
    datapath: { backend: "xdp", markMask: 0x1ff },
    control: { socket: "/s" },
    metrics: { listen: "off" },
  });
});

Deno.test("what is left out has its default", () => {
  const { config } = readConfig(
    '[cluster]\nname = "edge"\n[[share]]\ninterface = "eth0"\naddresses = ["192.0.2.1/24"]\n',
    source,
  );
  assertEquals(config.node, { name: "fw9", weight: 1 });
  assertEquals(config.cluster.keyFile, "/etc/avail/cluster.key");
  assertEquals(config.cluster.partition, "serve");
  assertEquals(config.links, []);
  assertEquals(config.shares[0].key, "pair");
  assertEquals(config.detection, { intervalMs: 100, multiplier: 3 });
  assertEquals(config.replication, { backups: 1, port: 9478, enabled: true });
  assertEquals(config.datapath, { backend: "auto", markMask: 0x1ff00000 });
  assertEquals(config.control.socket, "/run/avail/control.sock");
  assertEquals(config.metrics.listen, "127.0.0.1:9477");
});

Deno.test("a host name that is no node name is a fault, unless the file names the node", () => {
  const { faults } = assertThrows(
    () => readConfig(sound.replace('name = "fw1"', ""), { ...source, hostName: "my_host" }),
    ConfigError,
  );
  assertEquals(faults.map(formatFault), [
    'avail.toml:5: node.name: the host name "my_host" cannot be a node\'s name; ' +
    'add name = "fw1" to [node]',
  ]);
  readConfig(sound, { ...source, hostName: "my_host" });
});

Deno.test("a link on a share's interface is allowed and warned about", () => {
  const { warnings } = readConfig(sound.replace('"eth2"', '"eth1"'), source);
  assertEquals(warnings.length, 1);
  assertMatch(formatFault(warnings[0]), /^avail\.toml:9: link\[0\]\.interface: "eth1" is also /);
});

Deno.test("a link-local address may stand in two shares", () => {
  readConfig(sound.replace("2001:db8::1/64", "fe80::1/64"), source);
});
