/** What must agree on all nodes of a cluster, and what may differ between them. */
import { configDigest } from "../lib/config_digest.ts";
import { readConfig } from "../lib/config_file.ts";
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
