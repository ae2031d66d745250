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
  const byDefault = { intervalMs: 1000, timeoutMs: 500, rise: 2, fall: 3, weight: 0 };
  const { config } = readConfig(
    `
[cluster]
name = "edge"
key_file = "/k"
partition = "majority"
nodes = 5
ruleset = true
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
damping = "off"
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
[[check]]
name = "web"
http = "http://127.0.0.1:8080/alive?deep=1"
status = 204
interval = "5s"
timeout = "2s"
rise = 1
fall = 5
weight = 0.5
[[check]]
name = "db"
tcp = "[::1]:5432"
[[check]]
name = "vpn"
command = ["/usr/bin/wg", "show", "wg 0"]
`,
    source,
  );
  assertEquals(config, {
    file: "avail.toml",
    cluster: { name: "edge", keyFile: "/k", partition: "majority", nodes: 5, ruleset: true },
    node: { name: "fw1", weight: 2.5, drainTimeoutMs: 0 },
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
    detection: { intervalMs: 50, multiplier: 4, flapHalfLifeMs: 0 },
    replication: { backups: "all", port: 1234, enabled: false },
    datapath: { backend: "xdp", markMask: 0x1ff },
    control: { socket: "/s" },
    metrics: { listen: "off" },
    checks: [{
      name: "web",
      probe: { kind: "http", host: "127.0.0.1", port: 8080, path: "/alive?deep=1", status: 204 },
      intervalMs: 5000,
      timeoutMs: 2000,
      rise: 1,
      fall: 5,
      weight: 0.5,
    }, {
      name: "db",
      probe: { kind: "tcp", host: "::1", port: 5432 },
      ...byDefault,
    }, {
      name: "vpn",
      probe: { kind: "command", argv: ["/usr/bin/wg", "show", "wg 0"] },
      ...byDefault,
    }],
  });
});

Deno.test("planned moves wait by default where local services run, and nowhere else", () => {
  const drainTimeoutOf = (key: string, node = "") =>
    readConfig(
      `[cluster]\nname = "edge"\n[node]\nname = "fw1"\n${node}\n` +
        `[[share]]\ninterface = "eth0"\naddresses = ["192.0.2.1/24"]\nkey = "${key}"\n`,
      source,
    ).config.node.drainTimeoutMs;
  assertEquals(["source", "pair", "flow"].map((key) => drainTimeoutOf(key)), [30_000, 0, 0]);
  assertEquals(drainTimeoutOf("source", 'drain_timeout = "0s"'), 0);
  assertEquals(drainTimeoutOf("pair", 'drain_timeout = "1.5s"'), 1500);
});

Deno.test("what is left out has its default", () => {
  const { config } = readConfig(
    '[cluster]\nname = "edge"\n[[share]]\ninterface = "eth0"\naddresses = ["192.0.2.1/24"]\n',
    source,
  );
  assertEquals(config.node, { name: "fw9", weight: 1, drainTimeoutMs: 0 });
  assertEquals(config.cluster.keyFile, "/etc/avail/cluster.key");
  assertEquals(config.cluster.partition, "serve");
  assertEquals(config.cluster.ruleset, false);
  assertEquals(config.checks, []);
  assertEquals(config.links, []);
  assertEquals(config.shares[0].key, "pair");
  assertEquals(config.detection, { intervalMs: 100, multiplier: 3, flapHalfLifeMs: 30_000 });
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
