import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { nextPlan, type PlanningNode } from "../../lib/ownership/planning.ts";
import type { Plan } from "../../lib/ownership/plan.ts";
import { Wish } from "../../lib/ownership/wish.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("a wish counts once, and not for long", () => {
  const wish = new Wish();
  assertEquals(wish.take(0), new Map());
  wish.ask([[3, "fw2"]], 100);
  assertEquals(wish.take(99), new Map([[3, "fw2"]]));
  assertEquals(wish.take(99), new Map());
  wish.ask([[3, "fw2"]], 100);
  assertEquals(wish.take(100), new Map());
});

const common = { self: "fw1", backups: 1, group: 3 } as const;

/** Three nodes that hold what the plan gives them. */
function nodesBy(plan: Plan | null, change: Partial<PlanningNode> = {}): PlanningNode[] {
  return ["fw1", "fw2", "fw3"].map((name, i) => ({
    name,
    incarnation: String(i).repeat(32),
    state: "ready",
    weight: 1,
    claims: BucketSet.of(
      (plan?.ranks ?? []).flatMap(([owner], bucket) => owner === i ? [bucket] : []),
    ),
    claimGroup: 3,
    planEpoch: plan?.epoch ?? 0,
    planDigest: plan?.digest ?? "0".repeat(16),
    leaseHeld: true,
    degree: 2,
    forfeited: false,
    canGain: true,
    eligible: true,
    ...(name === "fw2" ? change : {}),
  }));
}

const ownersOf = (plan: Plan) => plan.ranks.map(([owner]) => plan.members[owner].name);

Deno.test("the planner follows wishes, and the next plan leaves them as they are", () => {
  const first = nextPlan({ ...common, nodes: nodesBy(null), present: null })!;
  const owners = ownersOf(first);
  // One each way, so that the numbers stay.
  const wished = new Map([[owners.indexOf("fw1"), "fw2"], [owners.indexOf("fw2"), "fw1"]]);
  const nodes = nodesBy(first);
  const second = nextPlan({ ...common, nodes, present: first, wished })!;
  assertEquals(ownersOf(second), owners.map((owner, bucket) => wished.get(bucket) ?? owner));
  // While the buckets are still where they were, and when they have moved: nothing to plan.
  const underway = nodesBy(first).map((node) => ({
    ...node,
    planEpoch: second.epoch,
    planDigest: second.digest,
  }));
  assertEquals(nextPlan({ ...common, nodes: underway, present: second }), null);
  assertEquals(nextPlan({ ...common, nodes: nodesBy(second), present: second }), null);
  // The control: without wishes there was nothing to plan either.
  assertEquals(nextPlan({ ...common, nodes, present: first }), null);
});

Deno.test("wishes for who cannot own them, or for more than is fair, do not count", () => {
  const first = nextPlan({ ...common, nodes: nodesBy(null), present: null })!;
  const owners = ownersOf(first);
  const wished = new Map([[owners.indexOf("fw1"), "fw2"], [owners.indexOf("fw3"), "fw9"]]);
  const nodes = nodesBy(first, { canGain: false });
  assertEquals(nextPlan({ ...common, nodes, present: first, wished }), null);

  const all = new Map(owners.map((_, bucket) => [bucket, "fw2"]));
  const greedy = nextPlan({ ...common, nodes: nodesBy(first), present: first, wished: all })!;
  const counts = ["fw1", "fw2", "fw3"].map((name) =>
    ownersOf(greedy).filter((owner) => owner === name).length
  );
  assert(counts.every((count) => Math.abs(count - 256 / 3) <= 256 / 3 * 0.05 + 1), `${counts}`);
});

Deno.test("a plan of an epoch that is asked for is made though the present one serves, once", () => {
  const first = nextPlan({ ...common, nodes: nodesBy(null), present: null })!;
  const nodes = nodesBy(first);
  assertEquals(nextPlan({ ...common, nodes, present: first }), null);
  assertEquals(nextPlan({ ...common, nodes, present: first, epochMin: first.epoch }), null);
  const later = nextPlan({ ...common, nodes, present: first, epochMin: 50 })!;
  assertEquals([later.epoch, later.ranks], [50, first.ranks]);
  const settled = nodesBy(later);
  assertEquals(nextPlan({ ...common, nodes: settled, present: later, epochMin: 50 }), null);
});
