import { planRanks } from "../../lib/ownership/planner.ts";
import { effectOf } from "../../lib/ownership/what_if.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { bucketNumbers, planned } from "./views.ts";

const tens = bucketNumbers.map(() => 10);

Deno.test("a node that leaves: its buckets move to their heirs, and no others", () => {
  const input = planned([1, 1, 1]);
  const { nodes, moves, withoutBackup, owners, busiest, busiestThen } = effectOf(
    input,
    { kind: "without", node: "fw2" },
    tens,
  );
  const its = bucketNumbers.filter((bucket) => input.owners[bucket] === 1);
  assertEquals(moves.map(({ bucket }) => bucket), its);
  for (const { bucket, from, to, hasFlows } of moves) {
    assertEquals(from, "fw2");
    assertEquals(to, input.candidates[input.backups[bucket][0]].name);
    assert(hasFlows);
  }
  assertEquals(withoutBackup, 0);
  assert(!owners.includes("fw2"));
  assertEquals(nodes.map(({ name, weight }) => [name, weight]), [
    ["fw1", 1],
    ["fw2", null],
    ["fw3", 1],
  ]);
  assertEquals(nodes.map(({ bucketsThen }) => bucketsThen), [128, 0, 128]);
  assertEquals(nodes.map(({ load }) => load), nodes.map(({ buckets }) => buckets * 10));
  assertEquals(nodes.map(({ loadThen }) => loadThen), [1280, 0, 1280]);
  assertEquals([Math.round(busiest! * 100), busiestThen], [101, 1]);
});

Deno.test("of two nodes, the one that stays has no backup; of one, nobody would be left", () => {
  const { withoutBackup } = effectOf(planned([1, 1]), { kind: "without", node: "fw1" }, tens);
  assertEquals(withoutBackup, 256);
  const none = effectOf(planned([1, 1, 1]), { kind: "without", node: "fw1" }, tens);
  assertEquals(none.withoutBackup, 0, "the control");
  const error = assertThrows(
    () => effectOf(planned([1]), { kind: "without", node: "fw1" }, tens),
    RangeError,
  );
  assertEquals(error.message, '"fw1" is the only one; nobody would be left');
});

Deno.test("another weight: just what the planner does with it", () => {
  const input = planned([1, 1, 1]);
  const { nodes, moves, owners, copies } = effectOf(
    input,
    { kind: "weight", node: "fw1", weight: 2 },
    tens,
  );
  const candidates = input.candidates.map((each, i) => i === 0 ? { ...each, weight: 2 } : each);
  const ranks = planRanks({ ...input, candidates });
  assertEquals(owners, ranks.map(([owner]) => input.candidates[owner].name));
  assertEquals(nodes.map(({ bucketsThen }) => bucketsThen), [128, 64, 64]);
  assert(moves.every(({ to }) => to === "fw1"), "nothing moves between the others");
  assertEquals(moves.length, 128 - nodes[0].buckets);
  const copied = ranks.filter((rank, bucket) =>
    rank.some((node) => node !== input.owners[bucket] && !input.backups[bucket].includes(node))
  );
  assertEquals(copies, copied.length);

  const same = effectOf(input, { kind: "weight", node: "fw1", weight: 1 }, tens);
  assertEquals([same.moves.length, same.copies], [0, 0], "the control: the weight that it has");
});

Deno.test("balance: the busiest node comes down, and all traffic must be known", () => {
  const input = planned([1, 1]);
  const hot = input.owners.map((owner) => owner === 0 ? 30 : 10);
  const { moves, busiest, busiestThen, nodes } = effectOf(input, { kind: "balance" }, hot);
  assertEquals(busiest, 1.5);
  assert(busiestThen! <= 1.05, `${busiestThen}`);
  assert(moves.length <= 128);
  const counts = nodes.map(({ bucketsThen }) => bucketsThen);
  assert(counts.every((each) => Math.abs(each - 128) <= 6.4), `${counts}`);

  const error = assertThrows(
    () => effectOf(input, { kind: "balance" }, [null, ...hot.slice(1)]),
    RangeError,
  );
  assertEquals(error.message, "the traffic of 1 buckets is not known");
});

Deno.test("what is not known is told as such, and the rest is right", () => {
  const input = planned([1, 1, 1]);
  const load = input.owners.map((owner) => owner === 2 ? null : 10);
  const { nodes, busiest } = effectOf(input, { kind: "weight", node: "fw1", weight: 2 }, load);
  assertEquals(nodes.map(({ load }) => load), [860, 850, null]);
  assertEquals([nodes[0].loadThen, nodes[1].loadThen, nodes[2].loadThen], [null, 640, null]);
  assertEquals(busiest, null);
  const error = assertThrows(
    () => effectOf(input, { kind: "without", node: "fw9" }, load),
    RangeError,
  );
  assertEquals(
    error.message,
    '"fw9" is no node that may own buckets; those are fw1, fw2, fw3',
  );
});
