/** What must agree on all nodes of a cluster, and what may differ between them. */
import { configDigest, configTopics } from "../lib/config_digest.ts";
import { readConfig } from "../lib/config_file.ts";
import { topics } from "../lib/membership/agreement.ts";
import { parseKeyFile } from "../lib/wire/keys.ts";
import { assertEquals, assertNotEquals } from "./assert.ts";

const keys = parseKeyFile(`${btoa("k".repeat(32))}\n`);
const file = `
[cluster]
name = "edge"
[[share]]
interface = "eth0"
addresses = ["192.0.2.1/24"]
key = "pair"
[datapath]
backend = "auto"
`;

function digestOf(text: string): string {
  const { config } = readConfig(text, { file: "avail.toml", hostName: "fw1" });
  return configDigest(config, keys);
}

Deno.test("nodes of one cluster may have different backends and interface names", () => {
  for (const backend of ["clusterdev", "xdp"]) {
    assertEquals(digestOf(file.replace('"auto"', `"${backend}"`)), digestOf(file));
  }
  assertEquals(digestOf(file.replace("eth0", "ens1")), digestOf(file));
  // The control: what decides a packet's bucket must agree.
  assertNotEquals(digestOf(file.replace('"pair"', '"source"')), digestOf(file));
  assertNotEquals(digestOf(file.replace("192.0.2.1", "192.0.2.2")), digestOf(file));
});

Deno.test("each part of the configuration changes its own topic, and no other", () => {
  const topicsOf = (text: string) => {
    const { config } = readConfig(text, { file: "avail.toml", hostName: "fw1" });
    return configTopics(config, keys);
  };
  const changes = (from: string, to: string) => {
    const before = topicsOf(file), after = topicsOf(file.replace(from, to));
    return topics.filter((_, i) => before[i] !== after[i]);
  };
  assertEquals(changes('"pair"', '"source"'), ["shares"]);
  assertEquals(changes("192.0.2.1", "192.0.2.2"), ["shares"]);
  assertEquals(changes('key = "pair"', 'key = "pair"\nnat = true'), ["nat"]);
  assertEquals(changes("[datapath]", "[detection]\nmultiplier = 4\n[datapath]"), ["settings"]);
  assertEquals(changes("[datapath]", '[replication]\nbackups = "all"\n[datapath]'), ["settings"]);
  const majority = 'name = "edge"\npartition = "majority"\nnodes = 3';
  assertEquals(changes('name = "edge"', majority), ["settings"]);
  // The control: what may differ changes none, the mark only beside NAT.
  assertEquals(changes("eth0", "ens1"), []);
  assertEquals(changes("[datapath]", "[datapath]\nmark_mask = 0x1ff"), []);
  assertEquals(changes("[datapath]", '[[check]]\nname = "a"\ntcp = "h:1"\n[datapath]'), []);
  const other = parseKeyFile(`${btoa("K".repeat(32))}\n`);
  const { config } = readConfig(file, { file: "avail.toml", hostName: "fw1" });
  const differing = topics.filter((_, i) =>
    configTopics(config, other)[i] !== configTopics(config, keys)[i]
  );
  assertEquals(differing, ["seed"]);
  assertEquals(configTopics(config, keys)[topics.indexOf("ruleset")], "00000000");
});
