import { Allowance } from "../lib/allowance.ts";
import { assert, assertEquals } from "./assert.ts";

function spent(allowance: Allowance, now: number): number {
  let count = 0;
  for (; allowance.has(now); count++) allowance.spend();
  return count;
}

Deno.test("so much at once, then so much a second", () => {
  const allowance = new Allowance(100, 10);
  assertEquals(spent(allowance, 0), 10);
  assertEquals(spent(allowance, 9), 0);
  assertEquals(spent(allowance, 21), 2);
  assertEquals(spent(allowance, 60_000), 10, "what is not spent does not pile up");
  let over = 0;
  for (let now = 60_000; now < 61_000; now++) over += spent(allowance, now);
  assert(Math.abs(over - 100) <= 1, `${over} in a second`);
});
