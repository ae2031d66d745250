import { assertEquals } from "../assert.ts";
import { bucketCount, BucketSet } from "../../lib/ownership/bucket_set.ts";
import { bucketsOf, firstBucketOf, unitOf, wholeUnits } from "../../lib/ownership/units.ts";

Deno.test("units are neighbouring buckets, all of them, as equal as can be", () => {
  for (const units of [1, 2, 3, 5, 7, 16, 255, 256]) {
    const sizes = new Array<number>(units).fill(0);
    for (let bucket = 0; bucket < bucketCount; bucket++) sizes[unitOf(bucket, units)]++;
    assertEquals(Math.max(...sizes) - Math.min(...sizes) <= 1, true, `${units}: ${sizes}`);
    for (let unit = 0; unit < units; unit++) {
      assertEquals(unitOf(firstBucketOf(unit, units), units), unit);
      const own = bucketsOf([unit], units);
      assertEquals([...own].map((bucket) => unitOf(bucket, units)).every((u) => u === unit), true);
      assertEquals(own.size, sizes[unit]);
    }
  }
});

Deno.test("a unit is whole with its last bucket, and not before", () => {
  const buckets = bucketsOf([0, 2], 3);
  assertEquals(wholeUnits(buckets, 3), [0, 2]);
  buckets.delete(firstBucketOf(2, 3));
  assertEquals(wholeUnits(buckets, 3), [0]);
  assertEquals(wholeUnits(BucketSet.all(), 16).length, 16);
  assertEquals(wholeUnits(BucketSet.empty(), 16), []);
});
