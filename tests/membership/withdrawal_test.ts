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
    ...["silent 1.0", "speaks 5.0", "silent 6.5", "speaks 14.5", "silent 16.0", "speaks 32.0"],
    ...["silent 33.5", "speaks 65.5", "silent 67.0", "speaks 99.0", "silent 100.5"],
  ]);
});

Deno.test("a silence is longer than ten seconds only where the first one is", () => {
  assertEquals(changes(() => "serving", { detectionMs: 1000, until: 30 }), [
    ...["silent 1.0", "speaks 5.0", "silent 6.5", "speaks 14.5", "silent 16.0", "speaks 26.0"],
    "silent 27.5",
  ]);
  assertEquals(changes(() => "serving", { detectionMs: 5000, until: 20 }), [
    ...["silent 1.0", "speaks 5.0", "silent 6.5", "speaks 10.5", "silent 12.0", "speaks 16.0"],
    "silent 17.5",
  ]);
});

Deno.test("who hears nobody is silent just long enough to be counted as dead", () => {
  assertEquals(changes(() => "nobody"), ["silent 1.0", "speaks 2.5", "silent 65.0", "speaks 66.5"]);
});

Deno.test("a lease, others that lose theirs, and a start that is newly heard end the silence", () => {
  const at = 4 * usual;
  const after = (company: Company | null) => (now: number): Company | null =>
    now < at ? "serving" : company;
  assertEquals(changes(after(null)), ["silent 1.0", "speaks 4.0"]);
  assertEquals(changes(after("idle")), ["silent 1.0", "speaks 4.0"]);
  assertEquals(changes(after("nobody"), { until: 8 }), [
    ...["silent 1.0", "speaks 4.0", "silent 5.0", "speaks 6.5"],
  ]);
  const newestAt = (now: number) => now < at ? 0 : at;
  assertEquals(changes(() => "serving", { newestAt, until: 12 }), [
    ...["silent 1.0", "speaks 4.0", "silent 5.0", "speaks 9.0", "silent 10.5"],
  ]);
});
