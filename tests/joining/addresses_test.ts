/** Where a node can be asked to take another one in. */
import { readConfig } from "../../lib/config_file.ts";
import { firstAddresses, joinableAddresses, ownNetworks } from "../../lib/joining/addresses.ts";
import { assertEquals } from "../assert.ts";
import { sound } from "../config_cases.ts";
import { facing, loopback } from "../setup/machines.ts";

const read = (text: string) => readConfig(text, { file: "avail.toml", hostName: "fw1" }).config;
const config = read(sound);

const facts = [
  loopback,
  // The shared addresses are there while the daemon runs; they are no node's own.
  facing("eth0", ["2001:db8::11/64", "192.0.2.11/24", "192.0.2.1/32", "2001:db8::1/128"]),
  facing("eth1", ["198.51.100.11/24", "198.51.100.1/32", "fe80::11/64"]),
  facing("eth2", ["10.0.0.9/24", "10.0.0.1/24"]),
  facing("eth3", ["172.16.0.1/24"]),
];

Deno.test("links first, then shares, IPv4 first; never what all nodes share, nor another interface", () => {
  assertEquals(joinableAddresses(config, facts), [
    ...["10.0.0.1", "192.0.2.11", "2001:db8::11", "198.51.100.11"],
  ]);
});

Deno.test("a link without an address of its own choice takes all that its interface has", () => {
  const any = read(sound.replace('address = "10.0.0.1"\n', ""));
  assertEquals(joinableAddresses(any, facts).slice(0, 2), ["10.0.0.9", "10.0.0.1"]);
});

Deno.test("a token has the first of each interface", () => {
  assertEquals(firstAddresses(config, facts), ["10.0.0.1", "192.0.2.11", "198.51.100.11"]);
  assertEquals(firstAddresses(config, [loopback]), []);
});

Deno.test("what a joiner finds its interfaces by", () => {
  assertEquals(ownNetworks(config, facts), {
    shareNetworks: [["192.0.2.11/24", "2001:db8::11/64"], ["198.51.100.11/24"]],
    linkNetworks: [["10.0.0.9/24", "10.0.0.1/24"]],
  });
});
