import { LateCounter } from "../lib/vitals.ts";
import { assertEquals } from "./assert.ts";

Deno.test("lateness is counted, with its worst and its last", () => {
  const late = new LateCounter();
  assertEquals(late.read(1000), { count: 0, longestMs: 0, sinceMs: null });
  late.note(40, 1000);
  late.note(310, 2000);
  late.note(20, 3000);
  assertEquals(late.read(3500.4), { count: 3, longestMs: 310, sinceMs: 500 });
});
