import { readIp4Counts, readIp6Counts } from "../../../bench/datapath/ip_counts.ts";
import { atLeast, atMost, rowOf, spreadOf } from "../../../bench/datapath/report.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("the middle of an even number of rounds lies between two of them", () => {
  assertEquals(spreadOf([10, 2, 9]), { min: 2, median: 9, max: 10 });
  assertEquals(spreadOf([4, 1, 10, 2]), { min: 1, median: 3, max: 10 });
});

Deno.test("rows are compared with the baseline of the same round", () => {
  // A disturbance of one round hits both: it does not show in what lies above.
  const { whole, above } = rowOf("x", 4, [30, 130, 31], { name: "base", rounds: [10, 110, 10] });
  assertEquals(whole, { min: 30, median: 31, max: 130 });
  assertEquals(above, { min: 20, median: 20, max: 21 });
});

Deno.test("targets are met at their limit, and missed beyond it", () => {
  assertEquals([250, 250.5].map((found) => atMost("x", found, 250).isMet), [true, false]);
  assertEquals([5, 4.99].map((found) => atLeast("x", found, 5).isMet), [true, false]);
});

Deno.test("IP counts are found by their names", () => {
  const snmp = [
    "Ip: Forwarding InReceives InHdrErrors InDelivers",
    "Ip: 2 31 4 7",
    "Icmp: InMsgs InErrors",
    "Icmp: 1 0",
  ].join("\n");
  assertEquals(readIp4Counts(snmp), { received: 31, delivered: 7 });
  const snmp6 = "Ip6InReceives                   \t12\nIp6InDelivers                   \t3\n";
  assertEquals(readIp6Counts(snmp6), { received: 12, delivered: 3 });
});
