import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { Patience } from "../../lib/ownership/patience.ts";
import { assert, assertEquals } from "../assert.ts";

const due = (...buckets: number[]) => () => BucketSet.of(buckets);

Deno.test("idle buckets go at once, busy ones when they are idle or their time is up", () => {
  const patience = new Patience(30_000);
  assertEquals([...patience.waiting(due(1, 2, 3), 1000)], [1, 2, 3], "nothing is known yet");
  patience.told(BucketSet.of([2, 3, 9]));
  assertEquals([...patience.waiting(due(1, 2, 3), 1500)], [2, 3]);
  assertEquals(
    patience.explain("on request", 1500),
    "on request; 2 buckets wait for open connections to end, 30 s at most",
  );
  patience.told(BucketSet.of([3, 9]));
  assertEquals([...patience.waiting(due(2, 3), 2000)], [3]);
  assertEquals(patience.nextAt, 31_000);
  assertEquals([...patience.waiting(due(3), 30_999)], [3]);
  assertEquals([...patience.waiting(due(3), 31_000)], []);
  assertEquals([patience.isWaiting, patience.nextAt, patience.explain(null, 31_000)], [
    false,
    Infinity,
    null,
  ]);
});

Deno.test("each bucket's time begins when its move does, and anew after it was off", () => {
  const patience = new Patience(1000);
  patience.waiting(due(1), 0);
  patience.waiting(due(1, 2), 600);
  assertEquals([...patience.waiting(due(1, 2), 1000)], [2]);
  patience.waiting(due(), 1100);
  assertEquals([...patience.waiting(due(1, 2), 1200)], [1, 2]);
  assertEquals([...patience.waiting(due(1, 2), 2199)], [1, 2]);
  assertEquals([...patience.waiting(due(1, 2), 2200)], []);
});

Deno.test("an old reading is not used for a later move", () => {
  const patience = new Patience(1000);
  patience.waiting(due(1), 0);
  patience.told(BucketSet.empty());
  assertEquals([...patience.waiting(due(1), 10)], []);
  assertEquals([...patience.waiting(due(2), 5000)], [2]);
});

Deno.test("with a time-out of 0 nobody asks and nothing waits", () => {
  const patience = new Patience(0);
  const never = () => {
    throw new Error("asked");
  };
  assertEquals([...patience.waiting(never, 1)], []);
  assert(!patience.isWaiting);
});

Deno.test("another time-out counts at once, also for what waits already", () => {
  const patience = new Patience(30_000);
  patience.waiting(due(1, 2), 0);
  patience.told(BucketSet.of([1, 2]));
  patience.useTimeout(1000);
  assertEquals([...patience.waiting(due(1, 2), 999)], [1, 2]);
  assertEquals([...patience.waiting(due(1, 2), 1000)], []);
  const other = new Patience(30_000);
  other.waiting(due(1), 0);
  other.useTimeout(0);
  assertEquals([other.isWaiting, other.nextAt], [false, Infinity]);
  assertEquals([...other.waiting(due(1), 1)], []);
  // And back again, from then on.
  other.useTimeout(500);
  assertEquals([...other.waiting(due(1), 2)], [1]);
  assertEquals(other.nextAt, 502);
});
