/** Releases: the one way in which a claimed bucket changes its owner. This node is fw1, of two. */
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { type LiveNode, Ownership } from "../../lib/ownership/ownership.ts";
import { type Plan, sealPlan } from "../../lib/ownership/plan.ts";
import { assertEquals } from "../assert.ts";
import { heartbeat, incarnation } from "../wire/examples.ts";

const me = incarnation(1), other = incarnation(2);
const some = BucketSet.of([7, 8]);
const until = 300;

/** All buckets are this node's by plan. */
function plan(epoch: number): Plan {
  const members = [{ name: "fw1", incarnation: me }, { name: "fw2", incarnation: other }];
  const ranks = Array.from({ length: 256 }, () => [0, 1]);
  return sealPlan({ epoch, planner: "fw1", group: 2, members, ranks });
}

/** What fw2 says: it has that plan, and these buckets. */
function said(shown: Plan, held: BucketSet, claims = held): LiveNode {
  const { digest: planDigest, epoch: planEpoch } = shown;
  const says = heartbeat({ name: "fw2", state: "ready", planDigest, planEpoch, held, claims });
  return { incarnation: other, heartbeat: says };
}

function ownership(present: Plan): Ownership {
  const owned = new Ownership({ name: "fw1", incarnation: me });
  owned.adopt(present);
  return owned;
}

Deno.test("what the other still claims is taken once it is released, and only in its epoch", () => {
  const present = plan(3), owned = ownership(present);
  const peer = said(present, BucketSet.empty(), BucketSet.all());
  assertEquals(owned.activate([peer]).size, 0, "claimed, and not released");
  assertEquals(owned.takeReleased(other, some, 2, until).size, 0, "of another epoch");
  assertEquals(owned.activate([peer]).size, 0);
  assertEquals(owned.takeReleased(other, some, 3, until).size, 2);
  assertEquals([...owned.activate([peer])], [7, 8]);
});

Deno.test("a release ends with its plan, with forfeiting, and with its time", () => {
  const present = plan(3), next = plan(4);
  const ends: Record<string, (owned: Ownership, all: LiveNode) => void> = {
    "plan": (owned) => owned.adopt(next),
    "forfeited, then a plan": (owned) => {
      owned.forfeit();
      owned.adopt(next);
    },
    "time": (owned, all) => owned.heard(all, until),
  };
  for (const [what, end] of Object.entries(ends)) {
    const owned = ownership(present);
    owned.takeReleased(other, some, 3, until);
    const shown = what === "time" ? present : next;
    const tookAgain = said(shown, BucketSet.all());
    end(owned, tookAgain);
    assertEquals(owned.activate([tookAgain]).size, 0, what);
  }
});

Deno.test("a heartbeat of before the release does not end it", () => {
  const present = plan(3), owned = ownership(present);
  owned.takeReleased(other, some, 3, until);
  const before = said(present, BucketSet.all());
  owned.heard(before, until - 1);
  assertEquals([...owned.activate([before])], [7, 8]);
});

Deno.test("a third node's claim stops a release, except a weaker one that does not hear this node", () => {
  const members = ["fw1", "fw2", "fw3"].map((name, i) => ({
    name,
    incarnation: incarnation(i + 1),
  }));
  const ranks = Array.from({ length: 256 }, () => [0, 1]);
  const present = sealPlan({ epoch: 3, planner: "fw1", group: 3, members, ranks });
  const { digest: planDigest } = present;
  const hears = [{ incarnation: me, sequence: 1, heardOn: 1 }];
  const third = (claimGroup: number, hearsUs: boolean): LiveNode => ({
    incarnation: incarnation(3),
    heartbeat: heartbeat({
      ...{ name: "fw3", state: "ready", planDigest, planEpoch: 3, claimGroup },
      ...{ held: BucketSet.all(), claims: BucketSet.all(), peers: hearsUs ? hears : [] },
    }),
  });
  for (
    const [claimGroup, hearsUs, activated] of [[1, false, 2], [1, true, 0], [3, false, 0]] as const
  ) {
    const owned = ownership(present);
    const all = [said(present, BucketSet.empty(), some), third(claimGroup, hearsUs)];
    assertEquals(owned.activate(all, { claimGroup: 2 }).size, 0, "nothing is released");
    owned.takeReleased(other, some, 3, until);
    const { size } = owned.activate(all, { claimGroup: 2 });
    assertEquals(size, activated, `${claimGroup} ${hearsUs}`);
  }
});

Deno.test("once the other has dropped its claim, a later claim of it counts again", () => {
  const present = plan(3), owned = ownership(present);
  owned.takeReleased(other, some, 3, until);
  owned.heard(said(present, BucketSet.of([9])), 10);
  assertEquals(owned.activate([said(present, BucketSet.all())]).size, 0);
});
