import { type AddressesFacts, addressesGroup, type Answer } from "../../lib/doctor/addresses.ts";
import { safeStatus } from "../cli/statuses.ts";
import { testGroup } from "./group_cases.ts";
import { stoppedSetup } from "./setups.ts";

const clusterMac = "01:00:5e:01:02:03";
const present = [
  { address: "192.0.2.1", interface: "eth0" },
  { address: "192.0.2.11", interface: "eth0" },
  { address: "2001:db8::1", interface: "eth0" },
  { address: "203.0.113.1", interface: "eth1" },
  { address: "203.0.113.11", interface: "eth1" },
  { address: "239.129.2.3", interface: "eth1" },
];
const answer: Answer = {
  interface: "eth0",
  address: "192.0.2.1",
  use: "shared",
  mac: clusterMac,
};
const sound: AddressesFacts = {
  present,
  refused: [],
  // The other nodes answer like this.
  answers: [answer],
  clusterMacs: new Map([["eth0", clusterMac], ["eth1", "01:00:5e:04:05:06"]]),
  clusterDevices: [],
};
const own = ["192.0.2.11", "203.0.113.11", "239.129.2.3"];
const alone = present.filter(({ address }) => own.includes(address));

testGroup(addressesGroup, sound, [
  {
    facts: { answers: [{ ...answer, mac: "02:00:00:00:00:07" }] },
    finds: ["duplicates", "error", /02:00:00:00:00:07 answers for the shared address 192\.0\.2\.1/],
  },
  {
    facts: { answers: [{ ...answer, mac: "01:00:5e:7f:00:00" }] },
    finds: ["duplicates", "error", /01:00:5e:7f:00:00 answers for the shared address/],
  },
  {
    facts: { answers: [{ ...answer, use: "own", address: "192.0.2.11", mac: clusterMac }] },
    finds: ["duplicates", "error", /answers for this node's own 192\.0\.2\.11/],
  },
  {
    facts: { refused: [{ address: "2001:db8::11", interface: "eth0" }] },
    finds: ["duplicates", "error", /2001:db8::11 on eth0 is another machine's, too/],
  },
  { facts: { answers: [] }, finds: ["duplicates", "ok", /nobody else/] },
  {
    facts: { present: present.slice(1) },
    finds: ["shared-addresses", "error", /192\.0\.2\.1 is not on eth0/],
  },
  {
    facts: { present, clusterDevices: ["cluster0", "cluster1"] },
    setup: {
      status: { ...safeStatus, datapath: { ...safeStatus.datapath, backend: "clusterdev" } },
    },
    finds: ["shared-addresses", "error", /192\.0\.2\.1 is not on cluster0/],
  },
  {
    setup: stoppedSetup,
    finds: ["shared-addresses", "warning", /192\.0\.2\.1 is on eth0, and avail run does not run/],
  },
  {
    facts: { present: present.filter(({ address }) => address !== "203.0.113.11") },
    finds: ["own-address", "info", /no IPv4 address of its own on eth1/],
  },
], undefined);

testGroup(
  { ...addressesGroup, name: "addresses of a stopped node", checks: [addressesGroup.checks[1]] },
  { ...sound, present: alone },
  [{
    facts: { present },
    finds: ["shared-addresses", "warning", /203\.0\.113\.1 is on eth1/],
  }],
  stoppedSetup,
);
