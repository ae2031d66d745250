import { assertEquals, assertThrows } from "../assert.ts";
import {
  clusteripRules,
  entriesRequest,
  rulesBytes,
  tableInfoRequest,
} from "../../lib/clusterip/rules.ts";
import { filterEntries, filterInfo } from "./filter_table.ts";

Deno.test("the rules of a table as Linux 6.1 has it", () => {
  assertEquals(clusteripRules(filterEntries), [
    {
      table: "filter",
      address: "192.0.2.1",
      interface: "eth0",
      mac: "01:00:5e:7f:00:64",
      hashMode: "sourceip",
      hashInit: 7,
      totalNodes: 4,
    },
    {
      table: "filter",
      address: "192.0.2.2",
      interface: "eth0",
      mac: "01:00:5e:7f:00:65",
      hashMode: "sourceip-sourceport-destport",
      hashInit: 0,
      totalNodes: 16,
    },
  ]);
});

Deno.test("the questions have the sizes that the kernel expects", () => {
  assertEquals(tableInfoRequest("filter").length, filterInfo.length);
  const request = entriesRequest("filter", rulesBytes(filterInfo));
  assertEquals(request.length, filterEntries.length);
  assertEquals(request.subarray(0, 40), filterEntries.subarray(0, 40));
});

Deno.test("a table that is cut off, or turns in a circle, is an error and no rule", () => {
  for (const length of [60, 200, filterEntries.length - 300]) {
    assertThrows(() => clusteripRules(filterEntries.subarray(0, length)), RangeError);
  }
  const circle = filterEntries.slice();
  circle.set([0, 0], 40 + 90); // next_offset of the first entry
  assertThrows(() => clusteripRules(circle), RangeError, "a rule of 0 bytes");
});
