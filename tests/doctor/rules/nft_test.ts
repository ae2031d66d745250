/** What rules of nftables do with a new stream to the replication's port. */
import { chainsWithoutDevices, withDevices } from "../../../lib/doctor/rules/devices.ts";
import { anyPacket, type Packet } from "../../../lib/doctor/rules/model.ts";
import { readNft } from "../../../lib/doctor/rules/nft.ts";
import { type Fate, walkHook } from "../../../lib/doctor/rules/walk.ts";
import { assert, assertEquals } from "../../assert.ts";
import { Random } from "../../sim/random.ts";
import {
  accept,
  type ChainWords,
  counter,
  ct,
  dport,
  drop,
  jump,
  match,
  meta,
  nftText,
  payload,
} from "./nft_rules.ts";

const stream: Packet = {
  ...anyPacket,
  family: 4,
  input: "sync",
  protocol: "tcp",
  source: { bytes: new Uint8Array([10, 0, 0, 0]), prefixLength: 24 },
  destination: { bytes: new Uint8Array([10, 0, 0, 1]), prefixLength: 32 },
  destinationPort: 9478,
  state: "new",
};

function fateOf(
  chains: readonly ChainWords[],
  others: readonly Record<string, unknown>[] = [],
  packet = stream,
  hook = "input",
): Fate {
  return walkHook(readNft(nftText(chains, others))!, hook, packet).fate;
}

/** One chain at the hook input whose policy is to drop. */
const closed = (...rules: readonly (readonly Record<string, unknown>[])[]): ChainWords[] => [
  { hook: "input", policy: "drop", rules },
];

const flags = { "&": [payload("tcp", "flags"), ["fin", "syn", "rst", "ack"]] };
const sets = [
  {
    set: { family: "inet", table: "filter", name: "ports", type: "inet_service", elem: [22, 9478] },
  },
  {
    set: {
      ...{ family: "inet", table: "filter", name: "guests", type: "ipv4_addr" },
      ...{ flags: ["dynamic"], elem: [] },
    },
  },
  {
    map: {
      ...{ family: "inet", table: "filter", name: "by", type: "ifname", map: "verdict" },
      elem: [["sync", accept], ["wan", drop]],
    },
  },
];

/** A rule in a chain that else drops, and what comes of it. */
const cases: readonly (readonly [name: string, rule: Record<string, unknown>[], fate: Fate])[] = [
  ["accept", [accept], "accepted"],
  ["a counter changes nothing", [counter, accept], "accepted"],
  ["the port", [dport(9478), accept], "accepted"],
  ["another port", [dport(22), accept], "dropped"],
  ["not another port", [dport(22, "!="), accept], "accepted"],
  ["not this port", [dport(9478, "!="), accept], "dropped"],
  ["ports in a set", [dport({ set: [22, { range: [9000, 9999] }] }), accept], "accepted"],
  ["ports that are others", [dport({ set: [22, { range: [9000, 9400] }] }), accept], "dropped"],
  ["ports below", [dport(1024, "<"), accept], "dropped"],
  ["ports above", [dport(1024, ">="), accept], "accepted"],
  ["a named set", [dport("@ports"), accept], "accepted"],
  ["a set that is not there", [dport("@nowhere"), accept], "perhaps"],
  ["of UDP", [match(payload("udp", "dport"), 9478), accept], "dropped"],
  ["not of UDP is still UDP", [match(payload("udp", "dport"), 22, "!="), accept], "dropped"],
  ["of any transport", [match(payload("th", "dport"), 9478), accept], "accepted"],
  ["the protocol", [match(meta("l4proto"), { set: ["tcp", "udp"] }), accept], "accepted"],
  ["ICMP", [match(payload("icmp", "type"), "echo-request"), accept], "dropped"],
  ["the interface", [match(meta("iifname"), "sync"), accept], "accepted"],
  ["another interface", [match(meta("iif"), "lo"), accept], "dropped"],
  ["interfaces by their beginning", [match(meta("iifname"), { set: ["sy*"] }), accept], "accepted"],
  ["the network", [
    match(payload("ip", "saddr"), { prefix: { addr: "10.0.0.0", len: 8 } }),
    accept,
  ], "accepted"],
  ["a part of the network", [
    match(payload("ip", "saddr"), { prefix: { addr: "10.0.0.0", len: 25 } }),
    accept,
  ], "perhaps"],
  ["one host of the network", [match(payload("ip", "saddr"), "10.0.0.2"), accept], "perhaps"],
  ["another network", [
    match(payload("ip", "saddr"), { prefix: { addr: "192.0.2.0", len: 24 } }),
    accept,
  ], "dropped"],
  ["all but another network", [
    match(payload("ip", "saddr"), { prefix: { addr: "192.0.2.0", len: 24 } }, "!="),
    accept,
  ], "accepted"],
  ["addresses that come and go", [match(payload("ip", "saddr"), "@guests"), accept], "perhaps"],
  ["of IPv6", [match(payload("ip6", "saddr"), "fe80::1"), accept], "dropped"],
  ["the family", [match(meta("nfproto"), "ipv4"), accept], "accepted"],
  ["new connections", [match(ct("state"), ["new", "related"], "in"), accept], "accepted"],
  ["old connections", [match(ct("state"), ["established", "related"], "in"), accept], "dropped"],
  ["what begins a connection", [match(flags, "syn"), accept], "accepted"],
  ["a mark", [match(meta("mark"), 5), accept], "perhaps"],
  ["a limit", [{ limit: { rate: 3, per: "second" } }, accept], "perhaps"],
  ["a module", [{ xt: { type: "match", name: "recent" } }, accept], "perhaps"],
  ["reject", [{ reject: { type: "tcp reset" } }], "dropped"],
  ["a program decides", [{ queue: { num: 0 } }], "perhaps"],
  ["return from a base chain", [{ return: null }], "dropped"],
  ["a verdict map", [{ vmap: { key: meta("iifname"), data: "@by" } }], "accepted"],
  ["a verdict map by state", [{
    vmap: { key: ct("state"), data: { set: [["invalid", drop], ["new", accept]] } },
  }], "accepted"],
  [
    "a verdict map by mark",
    [{ vmap: { key: meta("mark"), data: { set: [[1, accept]] } } }],
    "perhaps",
  ],
];

for (const [name, rule, fate] of cases) {
  Deno.test(`nft: ${name}: ${fate}`, () => {
    assertEquals(fateOf(closed(rule), sets), fate);
    // The control: turned round, where nothing is uncertain.
    if (fate !== "perhaps" && "accept" in rule.at(-1)!) {
      const turned: ChainWords[] = [{ hook: "input", rules: [[...rule.slice(0, -1), drop]] }];
      assertEquals(fateOf(turned, sets), fate === "accepted" ? "dropped" : "accepted");
    }
  });
}

Deno.test("nft: rules in their order, jumps and what comes back from them", () => {
  const inner = (...rules: Record<string, unknown>[][]): ChainWords => ({ name: "inner", rules });
  const calls = (last: Record<string, unknown>[]): ChainWords => ({
    hook: "input",
    policy: "drop",
    rules: [[jump("inner")], last],
  });
  assertEquals(fateOf([calls([drop]), inner([dport(9478), accept])]), "accepted");
  assertEquals(fateOf([calls([accept]), inner([dport(22), accept])]), "accepted");
  assertEquals(fateOf([calls([drop]), inner([dport(22), accept])]), "dropped");
  assertEquals(fateOf([calls([accept]), inner([{ return: null }], [drop])]), "accepted");
  assertEquals(fateOf([calls([accept]), inner([match(meta("mark"), 1), drop])]), "perhaps");
  const goes: ChainWords = {
    hook: "input",
    policy: "drop",
    rules: [[{ goto: { target: "inner" } }], [accept]],
  };
  assertEquals(fateOf([goes, inner([dport(22), accept])]), "dropped");
  const loop: ChainWords = { name: "inner", rules: [[jump("inner")]] };
  assertEquals(fateOf([calls([accept]), loop]), "accepted");
});

Deno.test("nft: chains that many jumps lead to cost no more than one", () => {
  const levels = 60;
  const chains = Array.from({ length: levels }, (_, i): ChainWords => ({
    name: `level${i}`,
    rules: i === levels - 1
      ? [[dport(9478), accept]]
      : Array(3).fill([match(meta("mark"), 1), jump(`level${i + 1}`)]),
  }));
  const base: ChainWords = { hook: "input", policy: "drop", rules: [[jump("level0")]] };
  assertEquals(fateOf([base, ...chains]), "perhaps");
  assertEquals(fateOf([base, ...chains.slice(0, -1)]), "dropped");
});

Deno.test("nft: every table must let it in; others' families and hooks do not count", () => {
  const open: ChainWords = { hook: "input", rules: [] };
  const shut: ChainWords = { hook: "input", table: "second", policy: "drop", rules: [] };
  assertEquals(fateOf([open]), "accepted");
  assertEquals(fateOf([open, shut]), "dropped");
  assertEquals(fateOf([open, { ...shut, family: "ip6" }]), "accepted");
  assertEquals(fateOf([open, { ...shut, family: "ip" }]), "dropped");
  assertEquals(fateOf([open, { ...shut, family: "bridge" }]), "accepted");
  assertEquals(fateOf([open, { ...shut, hook: "forward", name: "f" }]), "accepted");
  assertEquals(fateOf([open, { ...shut, table: "avail" }]), "accepted");
  const dormant = { table: { family: "inet", name: "second", flags: "dormant" } };
  assertEquals(fateOf([open, shut], [dormant]), "accepted");
});

Deno.test("nft: the hooks ingress and egress are those of a device", () => {
  const at = (dev?: string | string[]): ChainWords[] => [{
    ...{ family: "netdev", hook: "ingress", name: "in", rules: [[drop]] },
    ...(dev === undefined ? {} : { dev }),
  }];
  const fate = (dev?: string | string[]) => fateOf(at(dev), [], stream, "ingress");
  assertEquals([fate("sync"), fate(["wan", "sync"]), fate("wan")], [
    "dropped",
    "dropped",
    "accepted",
  ]);
  // nft before 1.0.9 does not tell of which.
  assertEquals(fate(), "perhaps");
  const untold = readNft(nftText(at()))!;
  assertEquals(chainsWithoutDevices(untold), ["netdev filter in"]);
  assertEquals(chainsWithoutDevices(readNft(nftText(at("sync")))!), []);
  const listed = (words: string) => {
    const text =
      `table netdev filter {\n  chain in {\n    type filter hook ingress ${words} priority 0;`;
    return walkHook(withDevices(untold, "netdev filter in", text), "ingress", stream).fate;
  };
  assertEquals(listed('device "sync"'), "dropped");
  assertEquals(listed('device "wan"'), "accepted");
  assertEquals(listed('devices = { "wan", "sync" }'), "dropped");
  assertEquals(listed("devices = { wan, lan }"), "accepted");
  assertEquals(listed(""), "perhaps");
});

Deno.test("nft: what drops is named so that it can be found", () => {
  const ruleset = readNft(nftText(closed([dport(22), accept], [dport(9478), drop])))!;
  const { by } = walkHook(ruleset, "input", stream);
  assertEquals([by?.chain.name, by?.place], ["inet filter input", "rule 2 of inet filter input"]);
  const byPolicy = readNft(nftText(closed()))!;
  assertEquals(walkHook(byPolicy, "input", stream).by?.place, "the policy of inet filter input");
});

Deno.test("nft: translations, flow tables, exemptions and names are read", () => {
  const ruleset = readNft(nftText([
    {
      hook: "postrouting",
      type: "nat",
      rules: [
        [match(meta("oifname"), "wan"), { masquerade: null }],
        [{ snat: { family: "ip", addr: "192.0.2.1" } }],
        [{ xt: { type: "target", name: "MASQUERADE" } }],
      ],
    },
    {
      hook: "prerouting",
      rules: [
        [match(meta("iifname"), { set: ["eth0", "eth1"] }), { notrack: null }],
        [{ dnat: { family: "ip", addr: "10.0.0.5", port: 80 } }],
        [{ redirect: { port: 82 } }],
        [{ vmap: { key: meta("iif"), data: { set: [["eth7", drop]] } } }],
      ],
    },
    { hook: "forward", rules: [[{ flow: { op: "add", flowtable: "@ft" } }]] },
  ], [
    {
      flowtable: {
        ...{ family: "inet", table: "filter", name: "ft", hook: "ingress", prio: 0 },
        ...{ dev: ["eth0", "eth1"], flags: "offload" },
      },
    },
  ]))!;
  const rules = ruleset.chains.flatMap((chain) => chain.rules);
  assertEquals(rules.map(({ translation }) => translation && [translation.kind, translation.to]), [
    ["masquerade", null],
    ["snat", "192.0.2.1"],
    ["masquerade", null],
    null,
    ["dnat", "10.0.0.5"],
    ["redirect", null],
    null,
    null,
  ]);
  assertEquals(rules.filter(({ skipsTracking }) => skipsTracking).length, 1);
  assertEquals(rules.at(-1)!.flowtable, "inet filter ft");
  assertEquals(ruleset.flowtables, [
    { name: "inet filter ft", devices: ["eth0", "eth1"], isHardware: true },
  ]);
  assertEquals(ruleset.inputNames, ["eth0", "eth1", "eth7"]);
  assertEquals(rules[0].matches({ ...anyPacket, output: "lan" }), false);
  assert(rules[0].matches({ ...anyPacket, output: "wan" }));
});

Deno.test("nft: what is no ruleset is refused, what is empty lets everything through", () => {
  assertEquals(["", "[]", "{}", "nonsense", '{"nftables": 3}'].map(readNft), Array(5).fill(null));
  assertEquals(fateOf([]), "accepted");
});

Deno.test("nft: whatever its JSON looks like, it is read or refused, never a failure", () => {
  const whole = nftText(
    [...closed(...cases.map(([, rule]) => rule)), { name: "inner", rules: [[jump("inner")]] }],
    sets,
  );
  const random = new Random(4711);
  const oddities = [null, true, -1, "", "@x", [], {}, [[]], { set: 3 }, { range: ["a"] }];
  const spoil = (value: unknown): unknown => {
    if (random.below(40) === 0) return oddities[random.below(oddities.length)];
    if (Array.isArray(value)) return value.map(spoil);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, spoil(inner)]));
  };
  for (let round = 0; round < 500; round++) {
    const ruleset = readNft(JSON.stringify(spoil(JSON.parse(whole))));
    if (ruleset === null) continue;
    for (const hook of ["input", "ingress"]) walkHook(ruleset, hook, stream);
    for (const rule of ruleset.chains.flatMap(({ rules }) => rules)) rule.matches(anyPacket);
  }
});
