import { type NeighboursFacts, neighboursGroup } from "../../lib/doctor/neighbours.ts";
import { testGroup } from "./group_cases.ts";
import { configOf } from "./setups.ts";

const table = { entries: 300, max: 1024, overflows: 0 };
const sound: NeighboursFacts = { 4: table, 6: table };

testGroup(neighboursGroup, sound, [
  {
    facts: { 4: { ...table, entries: 900 } },
    finds: ["neighbour-use", "warning", /ARP table is nearly full/],
    fix: "net/ipv4/neigh/default/gc_thresh3=4096",
  },
  {
    facts: { 6: { ...table, entries: 5000 } },
    finds: ["neighbour-use", "error", /NDP table is nearly full/],
    fix: "net/ipv6/neigh/default/gc_thresh3=16384",
  },
  {
    facts: { 4: { ...table, overflows: 3 } },
    finds: ["neighbour-use", "warning", /ARP table was full/],
    fix: "net/ipv4/neigh/default/gc_thresh3=4096",
  },
  {
    setup: {
      config: configOf((text) =>
        text.replace("192.0.2.1/24", "10.0.0.1/16").replace(
          'address = "10.0.0.1"',
          'address = "172.16.0.1"',
        )
      ),
    },
    finds: ["neighbour-size", "info", /more addresses than the ARP table/],
  },
]);
