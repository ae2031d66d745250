/**
 * Units: groups of buckets that always move together, for a datapath that switches coarser than by
 * bucket. `units` equal groups of neighbouring buckets; with as many units as buckets, each its own.
 */
import { bucketCount, BucketSet } from "./bucket_set.ts";

/** The unit of a bucket, 0 to units - 1. */
export function unitOf(bucket: number, units: number): number {
  return Math.floor(bucket * units / bucketCount);
}

/** The first bucket of a unit: it stands for the unit where one bucket must. */
export function firstBucketOf(unit: number, units: number): number {
  return Math.ceil(unit * bucketCount / units);
}

/** All buckets of some units. */
export function bucketsOf(wanted: Iterable<number>, units: number): BucketSet {
  const set = BucketSet.empty();
  for (const unit of wanted) {
    for (let b = firstBucketOf(unit, units); b < firstBucketOf(unit + 1, units); b++) set.add(b);
  }
  return set;
}

/** The units of which `buckets` has every bucket, in rising order. */
export function wholeUnits(buckets: BucketSet, units: number): number[] {
  const whole: number[] = [];
  for (let unit = 0; unit < units; unit++) {
    const end = firstBucketOf(unit + 1, units);
    let bucket = firstBucketOf(unit, units);
    while (bucket < end && buckets.has(bucket)) bucket++;
    if (bucket === end) whole.push(unit);
  }
  return whole;
}
