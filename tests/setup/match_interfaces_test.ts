/** Which interface is which: by networks, by names, by flags, and what is not guessed. */
import { readAddressPrefix } from "../../lib/config_values.ts";
import { readInterfaceWords } from "../../lib/setup/flag_words.ts";
import type { InterfaceFacts } from "../../lib/setup/facts.ts";
import { matchInterfaces, type Slot } from "../../lib/setup/match_interfaces.ts";
import { assertEquals } from "../assert.ts";
import { facing, loopback } from "./machines.ts";

const slot = (kind: Slot["kind"], number: number, name: string, networks: string[]): Slot => ({
  kind,
  number,
  interface: name,
  networks: networks.map((text) => readAddressPrefix(text)!),
});

const slots = [
  slot("share", 1, "eth0", ["192.0.2.1/24", "2001:db8:1::1/64", "fe80::1/64"]),
  slot("share", 2, "eth1", ["198.51.100.1/24"]),
  slot("link", 1, "eth2", ["10.0.0.1/24"]),
];

interface Case {
  readonly name: string;
  readonly machine: readonly InterfaceFacts[];
  readonly wishes?: readonly string[];
  /** By slot: `name by how`, `none`, or `?` and the candidates. */
  readonly found: readonly string[];
  readonly faults?: readonly string[];
}

const usual = [
  loopback,
  facing("ens3", ["192.0.2.12/24", "fe80::5/64"]),
  facing("ens4", ["198.51.100.12/24", "fe80::6/64"]),
  facing("ens5", ["10.0.0.2/24"]),
];

const cases: readonly Case[] = [
  {
    name: "addresses tell, whatever the names",
    machine: usual,
    found: ["ens3 network", "ens4 network", "ens5 network"],
  },
  {
    name: "addresses tell against the names",
    machine: [
      facing("eth0", ["198.51.100.12/24"]),
      facing("eth1", ["192.0.2.12/24"]),
      facing("eth2", ["10.0.0.2/24"]),
    ],
    found: ["eth1 network", "eth0 network", "eth2 network"],
  },
  {
    name: "names tell where there are no addresses",
    machine: [loopback, facing("eth0"), facing("eth1"), facing("eth2", ["10.0.0.2/24"])],
    found: ["eth0 name", "eth1 name", "eth2 network"],
  },
  {
    name: "an IPv6 network is enough; a link-local one means nothing",
    machine: [
      facing("a", ["2001:db8:1::12/64"]),
      facing("b", ["fe80::9/64"]),
      facing("c", ["10.0.0.2/24"]),
    ],
    found: ["a network", "? missing: b", "c network"],
  },
  {
    name: "two in one network, one of the same name",
    machine: [...usual, facing("eth0", ["192.0.2.13/24"])],
    found: ["eth0 name", "ens4 network", "ens5 network"],
  },
  {
    name: "two in one network, neither of the same name",
    machine: [...usual, facing("ens9", ["192.0.2.13/24"])],
    found: ["? ambiguous: ens3, ens9", "ens4 network", "ens5 network"],
  },
  {
    name: "a name is not taken from another network",
    machine: [facing("eth0", ["198.51.100.12/24"]), facing("x"), facing("eth2", ["10.0.0.2/24"])],
    found: ["? missing: x", "eth0 network", "eth2 network"],
  },
  {
    name: "nothing is left",
    machine: [loopback, facing("ens3", ["192.0.2.12/24"])],
    found: ["ens3 network", "? missing: ", "? missing: "],
  },
  {
    name: "ports, tunnels and avail's own devices are no candidates",
    machine: [
      ...usual.slice(0, 3),
      facing("eth2", ["10.0.0.2/24"], { master: "br0" }),
      facing("tun0", ["10.0.0.3/24"], { isEthernet: false }),
      facing("cluster0", ["10.0.0.4/24"], { kind: "clusterdev" }),
      facing("br0", ["10.0.0.5/24"], { kind: "bridge" }),
    ],
    found: ["ens3 network", "ens4 network", "br0 network"],
  },
  {
    name: "wishes by number, by name, and a link that is left out",
    machine: usual,
    wishes: ["1=ens4", "eth1=ens3", "link1=none"],
    found: ["ens4 flag", "ens3 flag", "none"],
  },
  {
    name: "a wish takes the interface from the others",
    machine: usual,
    wishes: ["share2=ens3"],
    found: ["? missing: ", "ens3 flag", "ens5 network"],
  },
  {
    name: "wishes that cannot be",
    machine: [...usual, facing("p1", [], { master: "br0" })],
    wishes: ["1=ens8", "2=lo", "eth2=p1", "eth7=ens3", "3=ens3", "2=none"],
    found: ["ens3 network", "ens4 network", "ens5 network"],
    faults: [
      '"ens8": there is no such interface here; did you mean ens3?',
      '"lo" is no Ethernet interface; there are ens3, ens4, ens5',
      '"p1" is a port of br0; write br0',
      '"eth7" is no share or link of the cluster; there are ' +
      "share 1 (eth0: 192.0.2.1/24, 2001:db8:1::1/64), share 2 (eth1: 198.51.100.1/24), " +
      "link 1 (eth2: 10.0.0.1/24)",
      '"3" is no share or link of the cluster; there are ' +
      "share 1 (eth0: 192.0.2.1/24, 2001:db8:1::1/64), share 2 (eth1: 198.51.100.1/24), " +
      "link 1 (eth2: 10.0.0.1/24)",
      "a share cannot be left out: name an interface",
    ],
  },
  {
    name: "one interface for two shares",
    machine: usual,
    wishes: ["1=ens3", "2=ens3"],
    found: ["ens3 flag", "ens3 flag", "ens5 network"],
    faults: [
      "ens3 would be both share 1 (eth0: 192.0.2.1/24, 2001:db8:1::1/64) and " +
      "share 2 (eth1: 198.51.100.1/24); say which is which with --interface",
    ],
  },
  {
    name: "the same wish twice",
    machine: usual,
    wishes: ["1=ens3", "eth0=ens4"],
    found: ["ens3 flag", "ens4 network", "ens5 network"],
    faults: [
      "share 1 (eth0: 192.0.2.1/24, 2001:db8:1::1/64) stands there twice; write it once",
    ],
  },
];

for (const { name, machine, wishes = [], found, faults = [] } of cases) {
  Deno.test(`interfaces of a joiner: ${name}`, () => {
    const result = matchInterfaces(slots, machine, wishes.map(readInterfaceWords));
    const words = slots.map((slot, i) => {
      const match = result.matches[i];
      const open = result.open.find((each) => each.slot === slot);
      if (open !== undefined) return `? ${open.why}: ${open.candidates.join(", ")}`;
      return match === null ? "none" : `${match?.interface} ${match?.by}`;
    });
    assertEquals(words, [...found]);
    assertEquals(result.faults, [...faults]);
  });
}
