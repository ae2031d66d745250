/** The words of `avail init` and `avail join`: what they come to, and how each wrong one is told. */
import { formatFault } from "../../lib/errors.ts";
import { draftOf, type SetupWords, withSettings } from "../../lib/setup/draft.ts";
import {
  readInterfaceWords,
  readLinkWords,
  readSettingWords,
  readShareWords,
} from "../../lib/setup/flag_words.ts";
import { assertEquals, assertThrows } from "../assert.ts";

const source = {
  file: "/etc/avail/avail.toml",
  keyFile: "/etc/avail/cluster.key",
  hostName: "fw1.example",
};

/** Words as on a command line: `["--share", "eth0=…", "--interval", "1s"]`. */
function wordsOf(line: string): SetupWords {
  const words: Record<string, unknown[]> = { share: [], link: [], set: [] };
  const single: Record<string, string> = {};
  const parts = line.split(" ");
  for (let i = 0; i < parts.length; i += 2) {
    const flag = parts[i].slice(2);
    if (flag in words) words[flag].push(parts[i + 1]);
    else single[flag] = parts[i + 1];
  }
  return {
    ...single,
    shares: words.share.map((text) => readShareWords(String(text))),
    links: words.link.map((text) => readLinkWords(String(text))),
    settings: words.set.map((text) => readSettingWords(String(text))),
  };
}

const faultsOf = (line: string) => draftOf(wordsOf(line), source).faults.map(formatFault);

Deno.test("flags come to a whole configuration", () => {
  const { config, faults } = draftOf(
    wordsOf(
      "--cluster edge --share eth0=192.0.2.1/24,2001:db8::1/64,key=inside,side=outside,nat " +
        "--share eth1=10.1.0.1/16,key=inside,side=inside,mac=unicast --link eth2 " +
        "--link eth3=10.0.0.1 --interval 50ms --partition majority --nodes 3 --backups all " +
        "--backend xdp --set node.weight=2.5 --set metrics.listen=off --set cluster.ruleset=true",
    ),
    source,
  );
  assertEquals(faults, []);
  assertEquals(config.node.name, "fw1");
  assertEquals(config.node.weight, 2.5);
  assertEquals(config.cluster, {
    name: "edge",
    keyFile: "/etc/avail/cluster.key",
    partition: "majority",
    nodes: 3,
    ruleset: true,
  });
  assertEquals(config.shares.map(({ key, side, nat, mac }) => [key, side, nat, mac]), [
    ["inside", "outside", true, "auto"],
    ["inside", "inside", false, "unicast"],
  ]);
  assertEquals(config.links, [
    { interface: "eth2", address: null },
    { interface: "eth3", address: "10.0.0.1" },
  ]);
  assertEquals([config.detection.intervalMs, config.replication.backups], [50, "all"]);
  assertEquals([config.datapath.backend, config.metrics.listen], ["xdp", "off"]);
});

const good = "--cluster edge --share eth0=192.0.2.1/24";

/** A command line, and every fault that is told of it. */
const faulty: readonly (readonly [line: string, faults: readonly string[]])[] = [
  ["--node fw1", [
    "--cluster: is missing; name the cluster: --cluster edge",
    "--share: is missing; name an interface and its shared addresses: --share eth0=192.0.2.1/24",
  ]],
  [`${good} --node fw_1`, [
    '--node: "fw_1" is no name; write letters, digits and inner hyphens, 63 at most',
  ]],
  ["--cluster a.b --share eth0=192.0.2.1/24", [
    '--cluster: "a.b" is no name; write letters, digits and inner hyphens, 63 at most',
  ]],
  ["--cluster edge --share eth0=192.0.2.1", [
    '--share eth0: "192.0.2.1" has no prefix length; ' +
    'write "192.0.2.1/24", with the length of its network',
  ]],
  ["--cluster edge --share eth0=192.0.2.0/24", [
    '--share eth0: "192.0.2.0/24" is the address of the network itself; ' +
    "write an address that a host can have",
  ]],
  ["--cluster edge --share eth0=key=pair", [
    '--share eth0: is an empty list; write a list, such as ["192.0.2.1/24"]',
  ]],
  [`${good} --share eth1=192.0.2.1/24`, [
    "--share eth1: 192.0.2.1 is also --share eth0; write it once",
  ]],
  [`${good} --share eth0=192.0.2.2/24`, [
    '--share eth0: "eth0" is also --share eth0; ' +
    "one share holds all addresses of an interface: put them together",
  ]],
  [`${good},key=par`, [
    '--share eth0: key: "par" is none of the choices; did you mean "pair"?',
  ]],
  [`${good},key=inside`, [
    "--share eth0: side: is missing beside key=inside; " +
    "add side=inside where the inner hosts are, else side=outside",
  ]],
  [`${good},side=inside`, [
    '--share eth0: side: "inside" stands beside key=pair; remove it, or write key=inside',
  ]],
  [`${good} --share eth1=10.0.0.1/24,key=flow`, [
    '--share eth1: key: "flow" differs from "pair" of --share eth0; ' +
    'write "pair": both directions of a flow must have one owner',
  ]],
  ["--cluster edge --share eth0=2001:db8::1/64,nat", [
    "--share eth0: nat: true on a share without an IPv4 address; " +
    "add the IPv4 address that shall be the NAT address, or write nat=false",
  ]],
  [`${good},mac=01:02`, [
    '--share eth0: mac: "01:02" is no MAC; ' +
    'write "auto", "unicast" or a MAC such as "03:00:5e:00:00:01"',
  ]],
  [`${good} --link eth2 --link eth2`, [
    '--link eth2: "eth2" is also --link eth2; ' +
    "give each link an interface of its own, or remove this one",
  ]],
  [`${good} --link eth2=192.0.2.1`, [
    "--link eth2: 192.0.2.1 is also --share eth0; " +
    "all nodes have a share's address; write one that is this node's alone",
  ]],
  [`${good} --link eth2=10.0.0.1/24`, [
    '--link eth2: "10.0.0.1/24" has a prefix length; write "10.0.0.1"',
  ]],
  [`${good} --partition majority`, [
    '--partition: "majority" needs to know of how many nodes; ' +
    "add --nodes 3, or as many as there are",
  ]],
  [`${good} --partition both`, [
    '--partition: "both" is none of the choices; write "serve" or "majority"',
  ]],
  [`${good} --nodes many`, [
    '--nodes: "many" is text; write a whole number from 1 to 32',
  ]],
  [`${good} --interval 5`, [
    '--interval: "5" is no duration; write a number with its unit, such as "100ms"',
  ]],
  [`${good} --interval 5ms`, [
    '--interval: "5ms" is out of range; write "10ms" to "10s"',
  ]],
  [`${good} --backups none`, [
    '--backups: "none" is text; write a whole number from 1 to 31, or "all"',
  ]],
  [`${good} --backend xpd`, [
    '--backend: "xpd" is none of the choices; did you mean "xdp"?',
  ]],
  [`${good} --backend clusterip`, [
    '--share eth0: key: "pair" beside --backend clusterip; write key=source',
    "--backups: 1 beside --backend clusterip; " +
    "whole slots have heirs among all nodes: write --backups all",
  ]],
  [`${good} --set node.weigth=2`, ['--set node.weigth: unknown key; did you mean "weight"?']],
  [`${good} --set node.wait=2`, [
    "--set node.wait: unknown key; known here: name, weight, drain_timeout",
  ]],
  [`${good} --set nodes.weight=2`, [
    '--set nodes: unknown key; did you mean "node"?',
  ]],
  [`${good} --set node.weight=heavy`, [
    '--set node.weight: "heavy" is text; write a number from 0.01 to 1000',
  ]],
  [`${good} --set control.socket=run`, [
    '--set control.socket: "run" is no absolute path; begin it with /',
  ]],
];

for (const [line, faults] of faulty) {
  Deno.test(`a fault is told at its flag: ${line.replace(good, "…")}`, () => {
    assertEquals(faultsOf(line).toSorted(), faults.toSorted());
  });
}

Deno.test("the control: what is not wrong has no faults", () => {
  for (const more of ["", " --link eth2", " --interval 1s", " --set node.weight=2"]) {
    assertEquals(faultsOf(good + more), []);
  }
});

const unreadable:
  readonly (readonly [read: (text: string) => unknown, text: string, says: string])[] = [
    [readShareWords, "eth0", "write the interface, = and its shared addresses"],
    [readShareWords, "=192.0.2.1/24", "write the interface, = and its shared addresses"],
    [readShareWords, "eth0=", "write the interface, = and its shared addresses"],
    [readShareWords, "eth0=192.0.2.1/24,,nat", "an empty word between commas"],
    [readShareWords, "eth0=192.0.2.1/24,kez=pair", "kez= is not known; did you mean key?"],
    [readShareWords, "eth0=192.0.2.1/24,owner=x", "owner= is not known; known are key=, side="],
    [readShareWords, "eth0=192.0.2.1/24,key=a,key=b", "key stands there twice"],
    [readLinkWords, "", "write the interface, such as eth2"],
    [readLinkWords, "eth2=", "write the interface, such as eth2"],
    [readSettingWords, "weight=2", "write a table, a key and its value"],
    [readSettingWords, "node.weight", "write a table, a key and its value"],
    [readSettingWords, "share.key=pair", "there can be several [[share]]; use --share"],
    [readSettingWords, "check.name=web", "there can be several [[check]]; edit the file"],
    [readInterfaceWords, "eth0", "write the other node's interface"],
    [readInterfaceWords, "eth0=", "write the other node's interface"],
  ];

Deno.test("words that are none of their kind say how they are written", () => {
  for (const [read, text, says] of unreadable) {
    assertThrows(() => read(text), Error, says, text);
  }
});

Deno.test("a setting takes the place of what is there, or comes into its table", () => {
  const text = '[node]\nname = "a"\n[metrics]\n';
  const set = (...settings: string[]) => withSettings(text, settings.map(readSettingWords));
  assertEquals(set("node.name=b"), '[node]\nname = "b"\n[metrics]\n');
  assertEquals(set("metrics.listen=off"), '[node]\nname = "a"\n[metrics]\nlisten = "off"\n');
  assertEquals(set("control.socket=/x y"), `${text}[control]\nsocket = "/x y"\n`);
  assertEquals(set('node.name="]\n[x'), '[node]\nname = "\\"]\\n[x"\n[metrics]\n');
  assertEquals(set("node.weight=0x10", "node.weight=1e3").split("\n")[1], 'weight = "1e3"');
});
