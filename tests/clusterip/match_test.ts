import { assertEquals, assertStringIncludes } from "../assert.ts";
import { matchRules, whyAbsent } from "../../lib/clusterip/match.ts";
import type { ClusteripRule } from "../../lib/clusterip/rules.ts";
import { readConfig } from "../../lib/config_file.ts";
import { configDigest } from "../../lib/config_digest.ts";
import { formatFault } from "../../lib/errors.ts";
import { keyLines } from "../../lib/toml_lines.ts";
import { parseKeyFile } from "../../lib/wire/keys.ts";

const text = `[cluster]
name = "edge"
[[share]]
interface = "eth0"
addresses = ["192.0.2.1/24", "192.0.2.2/24"]
key = "source"
mac = "01:00:5e:7f:00:64"
[replication]
backups = "all"
[datapath]
backend = "clusterip"
`;
const { config } = readConfig(text, { file: "avail.toml", hostName: "fw1" });

const rule: ClusteripRule = {
  table: "filter",
  address: "192.0.2.1",
  interface: "eth0",
  mac: "01:00:5e:7f:00:64",
  hashMode: "sourceip",
  hashInit: 7,
  totalNodes: 4,
};
const second = { ...rule, address: "192.0.2.2" };

function match(...rules: ClusteripRule[]): { setup: unknown; faults: string[] } {
  const { setup, faults } = matchRules(config, rules, keyLines(text));
  return { setup, faults: faults.map(formatFault) };
}

Deno.test("rules that fit give the number of slots and each address's hash", () => {
  const own = { interface: "eth0", mac: rule.mac };
  assertEquals(match(rule, { ...second, hashInit: 9 }, { ...rule, address: "192.0.2.77" }), {
    setup: {
      totalNodes: 4,
      services: [
        { address: "192.0.2.1", hashInit: 7, ...own },
        { address: "192.0.2.2", hashInit: 9, ...own },
      ],
    },
    faults: [],
  });
});

Deno.test("everything that is wrong is told at once, with its place and what would be right", () => {
  const wrong: ClusteripRule = {
    ...second,
    interface: "eth1",
    mac: "01:00:5e:7f:00:65",
    hashMode: "sourceip-sourceport",
    totalNodes: 17,
  };
  assertEquals(match(rule, { ...rule, table: "mangle" }, wrong).faults, [
    "avail.toml:5: share[0].addresses[0]: 192.0.2.1 has 2 CLUSTERIP rules (in filter, mangle); " +
    "keep one",
    "avail.toml:5: share[0].addresses[1]: the rule for 192.0.2.2 has --hashmode " +
    "sourceip-sourceport; only sourceip can be replicated by slots: change the rule, on all nodes",
    "avail.toml:5: share[0].addresses[1]: the rule for 192.0.2.2 has -i eth1; " +
    "the share is on eth0: correct one of the two",
    "avail.toml:5: share[0].addresses[1]: the rule for 192.0.2.2 has --total-nodes 17; use 1 to 16",
    "avail.toml:5: share[0].addresses[1]: the rule for 192.0.2.2 has --total-nodes 17, " +
    "that for 192.0.2.1 4; use the same number for all addresses",
    'avail.toml:7: share[0].mac: "01:00:5e:7f:00:64" is not the rule\'s for 192.0.2.2; ' +
    'write "01:00:5e:7f:00:65", or "auto"',
  ]);
});

Deno.test("a kernel without CLUSTERIP, and one without a rule, are told apart", () => {
  for (const release of ["6.3.0", "6.12.1-amd64", "7.3.4"]) {
    assertStringIncludes(whyAbsent(release), `Linux ${release} has no CLUSTERIP`);
  }
  for (const release of ["5.10.0-46-amd64", "6.1.0-56-cloud-amd64", "6.2.16"]) {
    assertStringIncludes(whyAbsent(release), "no CLUSTERIP rule is in force");
  }
});

Deno.test("an address without a rule is told how to get one", () => {
  assertEquals(match(second).faults, [
    "avail.toml:5: share[0].addresses[0]: 192.0.2.1 has no CLUSTERIP rule in iptables (legacy); " +
    "add it: iptables-legacy -I INPUT -d 192.0.2.1 -i eth0 -j CLUSTERIP --new " +
    "--hashmode sourceip --clustermac MAC --total-nodes N --local-node K",
  ]);
});

Deno.test("nodes agree only with the same slots and hashes, and never with another backend", () => {
  const keys = parseKeyFile(btoa("x".repeat(32)));
  const digest = (...rules: ClusteripRule[]) =>
    configDigest(config, keys, matchRules(config, rules, new Map()).setup);
  const own = digest(rule, second);
  assertEquals(digest({ ...rule, interface: "br0" }, second), own, "interfaces may differ");
  const others = [
    digest({ ...rule, hashInit: 8 }, second),
    digest({ ...rule, totalNodes: 5 }, { ...second, totalNodes: 5 }),
    configDigest(config, keys),
  ];
  assertEquals(new Set([own, ...others]).size, 4);
});
