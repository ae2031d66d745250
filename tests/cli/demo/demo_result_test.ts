import { type DemoResult, resultTable, verdict } from "../../../cli/demo/demo_result.ts";
import { assertEquals, assertStringIncludes } from "../../assert.ts";

const good: DemoResult = {
  schema: 1,
  lab: "test",
  replication: true,
  intervalMs: 100,
  multiplier: 3,
  started: 200,
  alive: 200,
  duplicates: 0,
  lost: [],
  duplicated: [],
  steps: [{
    name: "fw2 loses power",
    durationMs: 3000,
    longestMs: { tcp: 341, udp: 288, ping: 301 },
    worst: { tcp: null, udp: null, ping: null },
    stalled: 67,
    unanswered: { udp: 30, ping: 20 },
    duplicates: 0,
    alive: 200,
    ownDelayMs: 4,
    before: { fw1: 86, fw2: 85, fw3: 85 },
    after: { fw1: 128, fw2: 0, fw3: 128 },
  }],
};

Deno.test("demo: the table has a row for each step", () => {
  assertEquals(resultTable(good), [
    "step               alive  TCP gap  UDP gap  ping gap  dup  buckets fw1/fw2/fw3",
    "fw2 loses power  200/200   341 ms   288 ms    301 ms    0  86/85/85 -> 128/0/128",
  ]);
});

Deno.test("demo: the verdict names what was lost, and what the control is for", () => {
  assertEquals(verdict(good), ["200 of 200 connections alive, 0 duplicate answers"]);
  const reason = "no echo within 10 s";
  const lost = [{ source: "a", target: "b", reason }, { source: "c", target: "d", reason }];
  const bad = { ...good, alive: 198, lost };
  assertEquals(verdict(bad)[1], "  lost: 2 x no echo within 10 s");
  assertStringIncludes(verdict({ ...bad, replication: false })[1], "2 connections died");
  assertStringIncludes(verdict({ ...good, replication: false })[1], "proves nothing");
});
