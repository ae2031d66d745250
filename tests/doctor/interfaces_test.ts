import type { LinkDetails } from "../../lib/netlink/link_details.ts";
import {
  type EthernetFacts,
  type InterfacesFacts,
  interfacesGroup,
} from "../../lib/doctor/interfaces.ts";
import { frameHeaderBytes } from "../../lib/wire/frame.ts";
import { envelopeOverheadBytes } from "../../lib/wire/seal.ts";
import { assert, assertEquals } from "../assert.ts";
import { safeStatus } from "../cli/statuses.ts";
import { testGroup } from "./group_cases.ts";
import { configOf, soundSetup, stoppedSetup, vitals } from "./setups.ts";

const names = ["eth0", "eth1", "eth2"];
const links: LinkDetails[] = names.map((name, i) => ({
  index: i + 2,
  name,
  isEthernet: true,
  mac: new Uint8Array(6).fill(i + 1),
  kind: null,
  lower: null,
  master: null,
  isUp: true,
  hasCarrier: true,
  mtu: 1500,
  received: { packets: 1_000_000, missed: 0 },
  xdp: i < 2 ? { program: 40 + i } : null,
  bridge: null,
}));
const ethernetOf: EthernetFacts = {
  driver: "e1000e",
  speed: 10_000,
  isHalfDuplex: false,
  features: ["rx-gro", "rx-vlan-hw-parse"],
  hasXdp: true,
  groups: ["01005e000001", "01005e010203"],
};
const ethernet = new Map(names.map((name) => [name, ethernetOf]));
const sound: InterfacesFacts = {
  links,
  ethernet,
  clusterMacs: new Map([["eth0", "01005e010203"]]),
  ownPrograms: [40, 41],
  virtualisation: null,
  backlog: { taken: 1_000_000, dropped: 0 },
};

function link(name: string, change: Partial<LinkDetails>): Partial<InterfacesFacts> {
  return { links: links.map((each) => each.name === name ? { ...each, ...change } : each) };
}

function card(name: string, change: Partial<EthernetFacts>): Partial<InterfacesFacts> {
  return { ethernet: new Map(ethernet).set(name, { ...ethernetOf, ...change }) };
}

const bridge = { ...links[0], index: 9, name: "br0", kind: "bridge" };
const peers = soundSetup.peers.map((peer) => ({
  ...peer,
  vitals: { ...vitals, shares: [{ interface: "wan", mtu: 9000 }, vitals.shares[1]] },
}));
const untried = {
  status: {
    ...safeStatus,
    datapath: {
      ...safeStatus.datapath,
      accepted: 0,
      dropped: { ...safeStatus.datapath.dropped, notOwned: 0 },
    },
  },
};

testGroup(interfacesGroup, sound, [
  {
    facts: { links: links.slice(1) },
    finds: ["link-state", "error", /no interface eth0/],
    also: ["mtu", "xdp"],
  },
  { facts: link("eth1", { isEthernet: false }), finds: ["link-state", "error", /eth1 is no Ethe/] },
  { facts: link("eth1", { isUp: false }), finds: ["link-state", "error", /eth1 is down/] },
  { facts: link("eth0", { hasCarrier: false }), finds: ["link-state", "error", /eth0 has no car/] },
  {
    facts: link("eth2", { hasCarrier: false }),
    finds: ["link-state", "warning", /eth2 has no carrier/],
  },
  {
    facts: {
      links: [...links.map((each) => ({ ...each, master: each.index === 2 ? 9 : null })), bridge],
    },
    finds: ["enslaved", "error", /eth0 is a port of br0/],
  },
  {
    facts: {
      links: [
        ...links.map((each) => ({ ...each, master: each.index === 2 ? 9 : null })),
        { ...bridge, kind: "vrf" },
      ],
    },
    finds: ["enslaved", "ok", /no share is a port/],
  },
  {
    setup: { config: configOf((text) => text.replace(/\[\[link\]\]\n.*\n.*\n/, "")) },
    finds: ["dedicated-link", "warning", /no dedicated link/],
  },
  {
    setup: { config: configOf((text) => text.replace('"eth2"', '"eth1"')) },
    finds: ["dedicated-link", "warning", /no dedicated link/],
  },
  {
    facts: link("eth2", { mtu: 1300 }),
    finds: ["mtu", "warning", /eth2 carries packets of 1300 bytes only/],
  },
  { facts: link("eth2", { mtu: 1400 }), finds: ["mtu", "ok", /fit/] },
  {
    facts: { links: links.map((each) => ({ ...each, mtu: 1300 })) },
    finds: ["mtu", "error", /eth2 carries packets of 1300 bytes only/],
  },
  { facts: link("eth1", { mtu: 9000 }), finds: ["mtu", "info", /different MTUs/] },
  { setup: { peers }, finds: ["mtu-nodes", "warning", /MTU of eth0 differs/] },
  {
    facts: card("eth0", { features: ["rx-lro"] }),
    finds: ["offloads", "warning", /eth0 merges received packets/],
  },
  {
    facts: {
      links: links.map((each) =>
        each.name === "eth1" ? { ...each, kind: "vlan", lower: 2, xdp: null } : each
      ),
      clusterMacs: new Map([["eth0", "01005e010203"], ["eth1", "01005e010203"]]),
    },
    finds: ["offloads", "warning", /eth0 takes VLAN tags off in hardware, and eth1 has its MAC/],
  },
  {
    facts: { ownPrograms: [41] },
    finds: ["xdp", "warning", /eth0 has an XDP program that is not/],
  },
  { facts: link("eth0", { xdp: null }), finds: ["xdp", "info", /come in by tc on eth0/] },
  {
    facts: { ...card("eth0", { hasXdp: false }), ...link("eth0", { xdp: null }) },
    setup: stoppedSetup,
    finds: ["xdp", "info", /driver of eth0 runs no XDP/],
  },
  { facts: card("eth2", { isHalfDuplex: true }), finds: ["speed", "warning", /half duplex/] },
  { facts: card("eth2", { speed: 100 }), finds: ["speed", "warning", /eth2 is far slower/] },
  { facts: card("eth2", { speed: null }), finds: ["speed", "ok", /fast enough/] },
  {
    facts: link("eth0", { received: { packets: 1_000_000, missed: 500 } }),
    finds: ["receive-losses", "warning", /eth0 has lost frames/],
  },
  {
    facts: link("eth0", { received: { packets: 1e9, missed: 500 } }),
    finds: ["receive-losses", "ok", /no frames were lost/],
  },
  {
    facts: { backlog: { taken: 1_000_000, dropped: 5000 } },
    finds: ["receive-losses", "warning", /in the backlog/],
  },
  {
    facts: { backlog: { taken: 1e9, dropped: 5000 } },
    finds: ["receive-losses", "ok", /no frames were lost/],
  },
  {
    facts: card("eth0", { groups: ["01005e000001"] }),
    finds: ["group-filter", "warning", /eth0 does not listen to the cluster MAC/],
  },
  {
    facts: link("eth0", { kind: "bridge", bridge: { isSnooping: true }, xdp: null }),
    finds: ["snooping", "warning", /bridge eth0 snoops/],
  },
  {
    facts: link("eth0", { kind: "bridge", bridge: { isSnooping: false }, xdp: null }),
    finds: ["snooping", "ok", /deliver the cluster MAC/],
  },
  {
    setup: untried,
    finds: ["cluster-frames", "info", /no frame for a shared address has come in 2 h/],
  },
  {
    facts: { virtualisation: "vmware" },
    setup: untried,
    finds: ["virtual-switch", "info", /virtual machine \(vmware\)/],
  },
  {
    facts: { virtualisation: "vmware" },
    finds: ["virtual-switch", "ok", /delivers the cluster MAC/],
  },
]);

Deno.test("doctor: the MTU that is needed grows with the cluster, and no datagram is larger", () => {
  const heartbeat = frameHeaderBytes - 14 + envelopeOverheadBytes + 1280 + 19;
  assert(heartbeat <= 1390, `a part of a plan takes ${heartbeat}`);
  const [first] = safeStatus.members;
  const members = Array.from({ length: 32 }, (_, i) => ({ ...first, name: `fw${i + 1}` }));
  const { examine } = interfacesGroup.checks.find(({ id }) => id === "mtu")!;
  const facts = { ...sound, ...link("eth2", { mtu: 1450 }) };
  const of = (n: number) => {
    const status = { ...safeStatus, members: members.slice(0, n) };
    return examine(facts, { ...soundSetup, status })[0].severity;
  };
  assertEquals([of(2), of(30), of(31), of(32)], ["ok", "ok", "warning", "warning"]);
});
