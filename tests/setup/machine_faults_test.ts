/** What of a configuration does not fit a machine; the control is the machine that it fits. */
import type { Config } from "../../lib/config.ts";
import { readConfig } from "../../lib/config_file.ts";
import type { InterfaceFacts } from "../../lib/setup/facts.ts";
import { examineMachine } from "../../lib/setup/machine_faults.ts";
import { propose } from "../../lib/setup/propose.ts";
import { assertEquals } from "../assert.ts";
import { facing, loopback } from "./machines.ts";

const config = (more = "", link = "[[link]]\ninterface = 'eth2'"): Config =>
  readConfig(
    `[cluster]\nname = "edge"\n${link}\n[[share]]\ninterface = "eth0"\n` +
      `addresses = ["192.0.2.1/24", "2001:db8::1/64"]\n${more}`,
    { file: "avail.toml", hostName: "fw1" },
  ).config;

const eth0 = facing("eth0", ["192.0.2.11/24"]);
const eth2 = facing("eth2", ["10.0.0.1/24"]);
const sound = [loopback, eth0, eth2];

const findings = (machine: readonly InterfaceFacts[], of = config(), isRunning = false) => {
  const { faults, warnings } = examineMachine(of, machine, { isRunning });
  const text = (found: typeof faults) => found.map((f) => `${f.where}: ${f.problem}; ${f.remedy}`);
  return { faults: text(faults), warnings: text(warnings) };
};

Deno.test("the control: nothing is wrong where all is there", () => {
  assertEquals(findings(sound), { faults: [], warnings: [] });
});

const faulty: readonly (readonly [machine: readonly InterfaceFacts[], fault: string])[] = [
  [[loopback, facing("eth1"), eth2], 'share[0].interface: "eth0": there is no such interface; did'],
  [[loopback, eth0], 'link[0].interface: "eth2": there is no such interface; did you mean "eth0"?'],
  [
    [facing("eth0", [], { isUp: false }), eth2],
    'share[0].interface: "eth0" is down; set it up: ip',
  ],
  [
    [facing("eth0", [], { master: "br0" }), eth2],
    'share[0].interface: "eth0" is a port of br0; wr',
  ],
  [[facing("eth0", [], { isEthernet: false }), eth2], 'share[0].interface: "eth0" is no Ethernet'],
  [
    [facing("eth0", [], { kind: "clusterdev" }), eth2],
    'share[0].interface: "eth0" is a device that',
  ],
  [
    [facing("eth0", ["192.0.2.11/24"], { isIpv6Off: true }), eth2],
    "share[0].addresses[1]: 2001:db8::1: IPv6 is off on eth0; turn it on: sysctl -w net.ipv6.conf",
  ],
  [
    [facing("eth0", ["192.0.2.1/24"]), eth2],
    "share[0].addresses[0]: 192.0.2.1 is eth0's own address now; avail adds shared addresses its",
  ],
  [
    [eth0, eth2, facing("eth5", ["2001:db8::1/128"])],
    "share[0].addresses[1]: 2001:db8::1 is eth5's own address now; avail adds shared addresses",
  ],
  [[eth0, facing("eth2")], 'link[0].interface: "eth2" has no address; give it one: ip address add'],
  [[eth0, facing("eth2", ["fe80::1/64"])], 'link[0].interface: "eth2" has no address; give it one'],
  [[eth0, facing("eth2", [], { isUp: false })], 'link[0].interface: "eth2" is down; set it up: ip'],
];

for (const [machine, fault] of faulty) {
  Deno.test(`a machine that does not fit: ${fault.slice(0, 60)}`, () => {
    const { faults } = findings(machine);
    assertEquals(faults.map((text) => text.slice(0, fault.length)), [fault]);
  });
}

Deno.test("a link's own address must be there; what the interface has is told", () => {
  const wanted = config("", "[[link]]\ninterface = 'eth2'\naddress = '10.0.0.9'");
  assertEquals(findings(sound, wanted).faults, [
    "link[0].address: this machine does not have 10.0.0.9; eth2 has 10.0.0.1",
  ]);
});

Deno.test("without a link, a share needs an own address to replicate by", () => {
  assertEquals(findings([eth0], config("", "")).faults, []);
  const [fault] = findings([facing("eth0", ["fe80::1/64"])], config("", "")).faults;
  assertEquals(
    fault.split(";")[0],
    "link: is missing, and no share's interface has an address of this node's own",
  );
});

Deno.test("what a running daemon has done itself is no fault", () => {
  const machine = [facing("eth0", ["192.0.2.11/24", "192.0.2.1/32"]), eth2];
  assertEquals(findings(machine).faults.length, 1);
  assertEquals(findings(machine, config(), true), { faults: [], warnings: [] });
});

Deno.test("warnings: no carrier, no own address", () => {
  const machine = [facing("eth0", [], { hasCarrier: false }), eth2];
  const { faults, warnings } = findings(machine);
  assertEquals(faults, []);
  assertEquals(warnings.map((text) => text.split(";")[0]), [
    'share[0].interface: "eth0" has no carrier',
    'share[0].interface: "eth0" has no own address in the network of 192.0.2.1',
  ]);
});

const eth1 = facing("eth1", ["10.1.0.2/16"]);
const proposals: readonly (readonly [string, readonly InterfaceFacts[], string])[] = [
  ["one interface serves", [loopback, eth0], "eth0 / none / source"],
  ["two route", [eth0, eth1], "eth0 eth1 / none / pair"],
  [
    "of three, the last without a default route is the link",
    [facing("eth0", ["192.0.2.2/24"], { hasDefaultRoute: true }), eth1, eth2],
    "eth0 eth1 / eth2 / pair",
  ],
  [
    "names of cables",
    [eth0, eth1, facing("sync0", ["10.0.0.1/24"]), facing("ha1", ["10.0.1.1/24"])],
    "eth0 eth1 / sync0 ha1 / pair",
  ],
  ["a cable without an address", [eth0, eth1, facing("sync0")], "eth0 eth1 / none / pair"],
  ["a network for two", [eth0, facing("eth1", ["10.0.0.1/30"])], "eth0 / eth1 / source"],
  [
    "what software made",
    [eth0, ...["docker0", "virbr0", "br-0123456789ab"].map((n) => facing(n, ["172.17.0.1/16"]))],
    "eth0 / none / source",
  ],
  ["what has no address, beside what has", [eth0, facing("eth1")], "eth0 / none / source"],
  ["nothing has an address", [facing("a"), facing("b", [], { isUp: false })], "a / none / source"],
  ["nothing at all", [loopback], " / none / source"],
];

for (const [name, machine, expected] of proposals) {
  Deno.test(`a proposal: ${name}`, () => {
    const { shares, links, key } = propose(machine);
    assertEquals(`${shares.join(" ")} / ${links.join(" ") || "none"} / ${key}`, expected);
  });
}
