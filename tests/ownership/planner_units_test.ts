import { createHash } from "node:crypto";
import { assert, assertEquals } from "../assert.ts";
import { planRanks } from "../../lib/ownership/planner.ts";
import { unitOf } from "../../lib/ownership/units.ts";

const nodes = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `n${i}`, weight: 1, canGain: true }));
const nobody = () => new Array<number>(256).fill(-1);
const none = () => Array.from({ length: 256 }, () => [] as number[]);

function plan(count: number, units: number | null, before?: number[][]): number[][] {
  return planRanks({
    candidates: nodes(count),
    owners: before?.map(([owner]) => owner) ?? nobody(),
    backups: before?.map((row) => row.slice(1)) ?? none(),
    backupCount: count - 1,
    ...(units === null ? {} : { units }),
  });
}

/** Whether each unit has one row of ranks. */
function isWhole(ranks: number[][], units: number): boolean {
  return ranks.every((row, bucket) => {
    const first = ranks.findIndex((_, b) => unitOf(b, units) === unitOf(bucket, units));
    return row.join() === ranks[first].join();
  });
}

function unitLoads(ranks: number[][], units: number, count: number): number[] {
  const owners = Array.from(
    { length: units },
    (_, unit) => ranks[ranks.findIndex((_, bucket) => unitOf(bucket, units) === unit)][0],
  );
  return Array.from({ length: count }, (_, i) => owners.filter((owner) => owner === i).length);
}

const spread = (loads: number[]) => Math.max(...loads) - Math.min(...loads);

Deno.test("units stay whole, are dealt evenly, and a plan of a plan is the same", () => {
  for (const units of [1, 2, 3, 4, 5, 16]) {
    for (let count = 1; count <= 16; count++) {
      const ranks = plan(count, units);
      assert(isWhole(ranks, units), `${units} units, ${count} nodes`);
      assert(spread(unitLoads(ranks, units, count)) <= 1, `${units} units, ${count} nodes`);
      assertEquals(plan(count, units, ranks), ranks);
    }
  }
});

Deno.test("without the option the same units are torn, and a third node gets none of three", () => {
  assert(!isWhole(plan(3, null), 16));
  // The slack that buckets are granted would leave a joiner with nothing.
  const three = plan(3, 3, plan(2, 3).map((row) => [...row]));
  assertEquals(unitLoads(three, 3, 3), [1, 1, 1]);
});

Deno.test("the units of a dead node fall evenly on all others, and nothing else moves", () => {
  for (const [units, count] of [[16, 3], [16, 4], [8, 4], [3, 3]]) {
    const ranks = plan(count, units);
    const loads = unitLoads(ranks, units, count);
    for (let dead = 0; dead < count; dead++) {
      const heirs = ranks.map(([owner, heir]) => [owner === dead ? heir : owner]);
      const after = unitLoads(heirs, units, count).filter((_, i) => i !== dead);
      const before = loads.filter((_, i) => i !== dead);
      assert(spread(after) <= Math.max(1, spread(before)), `${units}/${count}: ${after}`);
    }
  }
});

Deno.test("any state is planned in finite time, into whole units", () => {
  const below = randomBelow(99);
  for (let i = 0; i < 300; i++) {
    const count = 1 + below(8), units = 1 + below(16);
    const ranks = planRanks({
      candidates: nodes(count).map((node) => ({
        ...node,
        weight: 0.5 + below(7) / 2,
        canGain: below(5) > 0,
      })),
      owners: nobody().map(() => below(count + 1) - 1),
      backups: none().map(() => [below(count)]),
      backupCount: count - 1,
      units,
    });
    assert(isWhole(ranks, units));
    assert(ranks.every((row) => new Set(row).size === count));
  }
});

Deno.test("without the option plans are what they were before it was there", () => {
  const below = randomBelow(12345);
  const plans: string[] = [];
  for (let i = 0; i < 60; i++) {
    const count = 1 + below(8);
    const candidates = nodes(count).map((node) => ({
      ...node,
      weight: 1 + below(4) / 2,
      canGain: below(6) > 0,
    }));
    const owners = nobody().map(() => below(count + 1) - 1);
    const backups = owners.map((owner) => [below(count)].filter((backup) => backup !== owner));
    const backupCount = 1 + below(count);
    plans.push(JSON.stringify(planRanks({ candidates, owners, backups, backupCount })));
  }
  const digest = createHash("sha256").update(plans.join("\n")).digest("hex").slice(0, 32);
  assertEquals(digest, "2a30247af7375294ba413cc245b01f03");
});

/** Numbers from a seed (a linear congruential generator). */
function randomBelow(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % limit;
  };
}
