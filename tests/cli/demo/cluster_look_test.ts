/** When the story goes on: every condition, and each way not to fulfil it. */
import { bucketsOf, type ClusterLook, unsettled } from "../../../cli/demo/cluster_look.ts";
import type { NodePower } from "../../../cli/demo/lab_node.ts";
import type { Status } from "../../../lib/control.ts";
import { assertEquals } from "../../assert.ts";
import { safeStatus } from "../statuses.ts";

const everybody = { owners: ["fw1", "fw2", "fw3"], safe: true };

function node(name: string, status: Partial<Status> | null, power: NodePower = "running") {
  return { name, power, status: status && { ...safeStatus, node: name, ...status } };
}

function ownersOf(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).flatMap(([name, n]) => Array<string>(n).fill(name));
}

const calm: ClusterLook = [node("fw1", {}), node("fw2", {}), node("fw3", {})];

Deno.test("settled: all agree, evenly and safe", () => {
  assertEquals(unsettled(calm, everybody), null);
  assertEquals(bucketsOf(calm), { fw1: 86, fw2: 85, fw3: 85 });
});

const cases: readonly [what: string, look: ClusterLook, missing: string][] = [
  ["one is silent", [node("fw1", {}), node("fw2", null), node("fw3", {})], "fw2 does not answer"],
  ["one is off", [node("fw1", {}), node("fw2", {}), node("fw3", null, "off")], "fw3 does not run"],
  [
    "one joins",
    [node("fw1", {}), node("fw2", { state: "joining", reason: "conflict" }), node("fw3", {})],
    "fw2 is joining (conflict)",
  ],
  [
    "another epoch",
    [node("fw1", {}), node("fw2", { epoch: 11 }), node("fw3", {})],
    "fw1 and fw2 do not agree on the owners yet",
  ],
  [
    "other owners",
    [node("fw1", {}), node("fw2", {}), node("fw3", { owners: ownersOf({ fw1: 256 }) })],
    "fw1 and fw3 do not agree on the owners yet",
  ],
  [
    "not safe",
    [node("fw1", {}), node("fw2", { safe: false, unsafeBecause: "lag" }), node("fw3", {})],
    "fw2 is not safe yet: lag",
  ],
];

for (const [what, look, missing] of cases) {
  Deno.test(`settled: not where ${what}`, () => {
    assertEquals(unsettled(look, everybody), missing);
  });
}

Deno.test("settled: not where buckets are a dead node's, nobody's or uneven", () => {
  const survivors = { owners: ["fw1", "fw2"], safe: true };
  const look = (owners: (string | null)[]): ClusterLook => [
    node("fw1", { owners }),
    node("fw2", { owners }),
    node("fw3", null, "paused"),
  ];
  assertEquals(unsettled(calm.slice(0, 2), survivors), "85 buckets belong to fw3");
  assertEquals(
    unsettled(look([...ownersOf({ fw1: 128, fw2: 127 }), null]), survivors),
    "1 buckets have no owner",
  );
  assertEquals(
    unsettled(look(ownersOf({ fw1: 130, fw2: 126 })), survivors),
    "buckets are uneven: fw1 130, fw2 126",
  );
  assertEquals(unsettled(look(ownersOf({ fw1: 128, fw2: 128 })), survivors), null);
});
