import { assertEquals } from "../assert.ts";
import { type Company, Withdrawal } from "../../lib/membership/withdrawal.ts";

const usual = 300;

/** When it becomes silent and speaks again, in detection times from the beginning. */
function changes(
  company: (now: number) => Company | null,
  { newestAt = (_now: number): number => 0, until = 80, detectionMs = usual } = {},
): readonly string[] {
  const withdrawal = new Withdrawal(detectionMs);
  const found: string[] = [];
  let wasSilent = false;
  for (let now = 0; now <= until * detectionMs; now += 10) {
    const isSilent = withdrawal.isSilent(company(now), newestAt(now), now);
    if (isSilent !== wasSilent) {
      found.push(`${isSilent ? "silent" : "speaks"} ${(now / detectionMs).toFixed(1)}`);
    }
    wasSilent = isSilent;
  }
  return found;
}

Deno.test("a node with a lease, and one among others without, never fall silent", () => {
  assertEquals(changes(() => null), []);
  assertEquals(changes(() => "idle"), []);
});

Deno.test("where others serve its silences grow, and it speaks in between", () => {
  assertEquals(changes(() => "serving", { until: 110 }), [
    ...["silent 2.0", "speaks 6.0", "silent 7.5", "speaks 15.5", "silent 17.0", "speaks 33.0"],
    ...["silent 34.5", "speaks 66.5", "silent 68.0", "speaks 100.0", "silent 101.5"],
  ]);
});

Deno.test("a silence is longer than ten seconds only where the first one is", () => {
  assertEquals(changes(() => "serving", { detectionMs: 1000, until: 30 }), [
    ...["silent 2.0", "speaks 6.0", "silent 7.5", "speaks 15.5", "silent 17.0", "speaks 27.0"],
    "silent 28.5",
  ]);
  assertEquals(changes(() => "serving", { detectionMs: 5000, until: 20 }), [
    ...["silent 2.0", "speaks 6.0", "silent 7.5", "speaks 11.5", "silent 13.0", "speaks 17.0"],
    "silent 18.5",
  ]);
});

Deno.test("who hears nobody is silent just long enough to be counted as dead", () => {
  assertEquals(changes(() => "nobody"), ["silent 2.0", "speaks 3.5", "silent 66.0", "speaks 67.5"]);
});

Deno.test("a lease, others that lose theirs, and a start that is newly heard end the silence", () => {
  const at = 4 * usual;
  const after = (company: Company | null) => (now: number): Company | null =>
    now < at ? "serving" : company;
  assertEquals(changes(after(null)), ["silent 2.0", "speaks 4.0"]);
  assertEquals(changes(after("idle")), ["silent 2.0", "speaks 4.0"]);
  assertEquals(changes(after("nobody"), { until: 8 }), [
    ...["silent 2.0", "speaks 4.0", "silent 6.0", "speaks 7.5"],
  ]);
  const newestAt = (now: number) => now < at ? 0 : at;
  assertEquals(changes(() => "serving", { newestAt, until: 12 }), [
    ...["silent 2.0", "speaks 4.0", "silent 6.0", "speaks 10.0", "silent 11.5"],
  ]);
});
