import { assertEquals } from "../assert.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";

Deno.test("a map survives its bytes and its digits", () => {
  const set = BucketSet.of([0, 1, 31, 32, 85, 127, 128, 255]);
  assertEquals([...BucketSet.fromBytes(set.toBytes())], [...set]);
  assertEquals([...BucketSet.fromHex(set.toHex())], [0, 1, 31, 32, 85, 127, 128, 255]);
  assertEquals(set.size, 8);
});

Deno.test("bit b is bit (b & 7) of byte (b >> 3)", () => {
  assertEquals(BucketSet.of([9]).toBytes()[1], 0b10);
  assertEquals(BucketSet.of([255]).toBytes()[31], 0x80);
});

Deno.test("set algebra", () => {
  const low = BucketSet.of([1, 2, 3]), high = BucketSet.of([3, 200]);
  assertEquals([...low.union(high)], [1, 2, 3, 200]);
  assertEquals([...low.intersection(high)], [3]);
  assertEquals([...low.difference(high)], [1, 2]);
  assertEquals(low.isSupersetOf(BucketSet.of([2])), true);
  assertEquals(low.isSupersetOf(high), false);
  assertEquals(low.intersects(high), true);
  assertEquals(BucketSet.all().size, 256);
  assertEquals(BucketSet.empty().isEmpty, true);
  assertEquals(BucketSet.all().difference(BucketSet.all()).equals(BucketSet.empty()), true);
});
