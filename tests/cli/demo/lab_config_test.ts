/** What the lab writes is what the program reads, and no two things have one name or address. */
import { nodeConfig } from "../../../cli/demo/lab_config.ts";
import { LabNode } from "../../../cli/demo/lab_node.ts";
import {
  clientAddress,
  clientAddressesMax,
  families,
  LabNames,
  nodeAddress,
  nodeInterfaces,
  nodesMax,
  serverAddress,
  serverAddresses,
  sharedAddress,
  switchPort,
} from "../../../cli/demo/topology.ts";
import { readConfig } from "../../../lib/config_file.ts";
import { assert, assertEquals } from "../../assert.ts";

const options = {
  nodes: 3,
  replication: false,
  intervalMs: 20,
  multiplier: 4,
  partition: "majority",
  damping: "off",
  rtoMinMs: null,
  extraConfig: "",
} as const;

Deno.test("lab: a node's configuration is complete and means what the options say", () => {
  const node = new LabNode(new LabNames("test"), "fw2", 2);
  const source = { file: node.configFile, hostName: "host" };
  const { config, warnings } = readConfig(nodeConfig("test", node, "/key", options), source);
  assertEquals(warnings, []);
  assertEquals(config.node.name, "fw2");
  assertEquals([config.cluster.partition, config.cluster.nodes], ["majority", 3]);
  assertEquals(config.links, [{ interface: "sync", address: "198.51.100.12" }]);
  assertEquals(config.shares.map((share) => [share.interface, share.key, share.addresses.length]), [
    ["inside", "pair", 2],
    ["outside", "pair", 2],
  ]);
  assertEquals(config.detection, { intervalMs: 20, multiplier: 4, flapHalfLifeMs: 0 });
  assertEquals(config.replication.enabled, false);
  assertEquals(config.control.socket, "/run/avail-demo-test/fw2/control.sock");
  assertEquals(config.metrics.listen, "off");
});

Deno.test("lab: all addresses differ", () => {
  const range = (count: number, of: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => of(i));
  const all = families.flatMap((family) => [
    sharedAddress("inside", family),
    sharedAddress("outside", family),
    ...range(clientAddressesMax, (i) => clientAddress(i, family)),
    ...range(serverAddresses, (i) => serverAddress(i, family)),
    ...range(nodesMax, (i) => nodeAddress("inside", i + 1, family)),
    ...range(nodesMax, (i) => nodeAddress("outside", i + 1, family)),
  ]);
  assertEquals(new Set(all).size, all.length);
});

Deno.test("lab: names of interfaces fit the kernel (IFNAMSIZ)", () => {
  const ports = [
    ...nodeInterfaces.map((on) => switchPort(`fw${nodesMax}`, on)),
    switchPort("clients", "inside"),
    switchPort("servers", "outside"),
  ];
  for (const port of ports) assert(port.length <= 15, port);
});
