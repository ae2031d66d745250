import { cpuSecondsOf, processFigures } from "../../lib/host/process_figures.ts";
import { assert, assertEquals, assertGreater } from "../assert.ts";

Deno.test("processor time is read behind a name that may have anything in it", () => {
  const rest = "S 1 2 3 4 5 6 7 8 9 10 250 31 0 0 20 0";
  for (const name of ["avail", "a b", "x) R 1", "((", ""]) {
    assertEquals(cpuSecondsOf(`42 (${name}) ${rest}`), 2.81, name);
  }
  assertEquals(cpuSecondsOf(""), null);
  assertEquals(cpuSecondsOf("42 (avail) S 1"), null);
});

Deno.test("the figures of this process", () => {
  const { startTime, residentBytes, cpuSeconds } = processFigures();
  assert(Math.abs(startTime - Date.now() / 1000) < 86_400);
  assertGreater(residentBytes, 1 << 20);
  assert(cpuSeconds !== null && cpuSeconds > 0 && cpuSeconds < 86_400);
});
