import { type FirewallFacts, firewallGroup } from "../../lib/doctor/firewall.ts";
import { emptyRuleset } from "../../lib/doctor/rules/model.ts";
import { readIptables } from "../../lib/doctor/rules/iptables.ts";
import { readNft } from "../../lib/doctor/rules/nft.ts";
import { safeStatus } from "../cli/statuses.ts";
import { testGroup } from "./group_cases.ts";
import {
  accept,
  type ChainWords,
  dport,
  drop,
  match,
  meta,
  nftText,
  payload,
} from "./rules/nft_rules.ts";
import { configOf, stoppedSetup } from "./setups.ts";

const sound: FirewallFacts = {
  ruleset: emptyRuleset,
  problem: null,
  listens: [{ interface: "eth2", address: "10.0.0.1", prefixLength: 24 }],
  clusterDevices: [],
};

function nft(...chains: readonly ChainWords[]): Partial<FirewallFacts> {
  return { ruleset: readNft(nftText(chains))! };
}

function flowtable(
  dev: readonly string[],
  { flags, isFilled = true }: { readonly flags?: string; readonly isFilled?: boolean } = {},
): Partial<FirewallFacts> {
  const item = { family: "inet", table: "filter", name: "ft", dev, ...(flags ? { flags } : {}) };
  const rules = isFilled ? [[{ flow: { op: "add", flowtable: "@ft" } }]] : [];
  return { ruleset: readNft(nftText([{ hook: "forward", rules }], [{ flowtable: item }]))! };
}

const closed: ChainWords = {
  hook: "input",
  policy: "drop",
  rules: [[match(meta("iifname"), "lo"), accept]],
};
const natChain = (hook: string, ...rules: Record<string, unknown>[][]): ChainWords => ({
  ...{ table: "nat", type: "nat", hook, rules },
});
const masquerade = (name: string) =>
  nft(natChain("postrouting", [match(meta("oifname"), name), { masquerade: null }]));
const dnat = [match(meta("iifname"), "eth0"), { dnat: { addr: "10.9.0.5" } }];
const isService = {
  config: configOf((text) => text.replaceAll("[[share]]", '[[share]]\nkey = "source"')),
};
const onModule = {
  status: { ...safeStatus, datapath: { ...safeStatus.datapath, backend: "clusterdev" } },
};
const names = (...names: string[]) => [match(meta("iifname"), { set: names }), accept];

testGroup(firewallGroup, sound, [
  {
    facts: nft(closed),
    setup: stoppedSetup,
    finds: [
      "replication-port",
      "error",
      /drops replication streams that come in by eth2 \(10\.0\.0\.1, TCP/,
    ],
  },
  {
    facts: nft({ ...closed, hook: "output", rules: [[match(meta("oifname"), "lo"), accept]] }),
    setup: stoppedSetup,
    finds: ["replication-port", "error", /drops replication streams that leave by eth2/],
  },
  // All streams stand: it will be in the way of the next ones.
  { facts: nft(closed), finds: ["replication-port", "warning", /drops replication streams/] },
  {
    facts: nft({ ...closed, rules: [[dport(9478), accept]] }),
    setup: stoppedSetup,
    finds: ["replication-port", "ok", /lets replication streams through/],
  },
  {
    facts: nft({ ...closed, rules: [[match(meta("mark"), 1), accept]] }),
    setup: stoppedSetup,
    finds: ["replication-port", "info", /may drop replication streams/],
  },
  {
    facts: {
      ruleset: readIptables("*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n", 4),
    },
    setup: stoppedSetup,
    finds: ["replication-port", "error", /drops replication streams/],
  },
  {
    facts: { ruleset: null, problem: "nft is not installed" },
    finds: ["replication-port", "info", /cannot be read/],
    also: firewallGroup.checks.map(({ id }) => id),
  },
  {
    facts: nft({
      ...{ family: "netdev", hook: "ingress", name: "in", dev: "eth0" },
      rules: [[match(payload("ip", "daddr"), { prefix: { addr: "224.0.0.0", len: 4 } }), drop]],
    }),
    finds: ["heartbeat-frames", "error", /drops heartbeats on eth0 \(ingress\)/],
  },
  {
    facts: nft({
      ...{ family: "netdev", hook: "egress", name: "out", dev: "eth2", policy: "drop" },
      rules: [[match(payload("udp", "dport"), 53), accept]],
    }),
    finds: ["heartbeat-frames", "error", /drops heartbeats on eth2 \(egress\)/],
    also: ["replication-port"],
  },
  {
    facts: nft({
      ...{ family: "netdev", hook: "ingress", name: "in", dev: "eth9", policy: "drop" },
      rules: [],
    }),
    finds: ["heartbeat-frames", "ok", /no rule stops heartbeats/],
  },
  {
    facts: {
      ...nft({ hook: "forward", rules: [names("eth0")] }),
      clusterDevices: ["cluster0", "cluster1"],
    },
    finds: ["cluster-devices", "warning", /rules name eth0, and none names cluster0/],
  },
  {
    facts: {
      ...nft({ hook: "forward", rules: [names("eth0", "cluster*")] }),
      clusterDevices: ["cluster0", "cluster1"],
    },
    finds: ["cluster-devices", "ok", /know the module's devices/],
  },
  {
    facts: nft({ family: "arp", hook: "output", policy: "accept", rules: [[drop]] }),
    finds: ["arp-rules", "warning", /drop ARP/],
  },
  {
    facts: nft({ family: "arp", hook: "input", rules: [] }),
    finds: ["arp-rules", "ok", /no rule/],
  },
  { facts: masquerade("eth1"), finds: ["nat-rules", "warning", /this node's own addresses/] },
  {
    facts: nft(natChain("postrouting", [
      match(payload("ip", "saddr"), { prefix: { addr: "172.17.0.0", len: 16 } }),
      match(meta("oifname"), "docker0", "!="),
      { masquerade: null },
    ])),
    finds: ["nat-rules", "info", /connections of other networks/],
  },
  { facts: masquerade("tun0"), finds: ["nat-rules", "ok", /no translation touches a share/] },
  {
    facts: nft(natChain("postrouting", [{ snat: { addr: "203.0.113.1" } }])),
    finds: ["nat-rules", "error", /SNAT\) to a shared address/],
  },
  {
    facts: nft(natChain("prerouting", dnat)),
    finds: ["nat-rules", "error", /forwarded \(DNAT\)/],
  },
  {
    facts: nft(natChain("prerouting", dnat)),
    setup: isService,
    finds: ["nat-rules", "warning", /forwarded \(DNAT\)/],
  },
  {
    facts: nft(natChain("prerouting", [dport(80), { redirect: { port: 8080 } }])),
    finds: ["nat-rules", "info", /redirected to a service/],
  },
  // Rules in a table named avail are the daemon's own.
  {
    facts: nft({ ...natChain("postrouting", [{ snat: { addr: "203.0.113.1" } }]), table: "avail" }),
    finds: ["nat-rules", "ok", /no addresses are translated/],
  },
  {
    facts: flowtable(["eth0", "eth1"]),
    finds: [
      "flowtables",
      "warning",
      /flow table inet filter ft bypasses the cluster on eth0 and eth1/,
    ],
  },
  {
    facts: flowtable(["eth0"]),
    setup: onModule,
    finds: ["flowtables", "error", /bypasses the cluster on eth0/],
  },
  { facts: flowtable(["eth0"], { flags: "offload" }), finds: ["flowtables", "error", /bypasses/] },
  {
    facts: flowtable(["eth0"], { isFilled: false }),
    finds: ["flowtables", "info", /which no rule fills/],
  },
  { facts: flowtable(["eth9"]), finds: ["flowtables", "ok", /no flow table touches a share/] },
  {
    facts: nft({
      hook: "prerouting",
      rules: [[match(meta("iifname"), "eth0"), { notrack: null }]],
    }),
    finds: ["untracked", "info", /not tracked/],
  },
  {
    facts: nft({ hook: "prerouting", rules: [[match(meta("iifname"), "lo"), { notrack: null }]] }),
    finds: ["untracked", "ok", /no rule exempts/],
  },
]);
