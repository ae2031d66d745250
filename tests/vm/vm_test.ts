/**
 * Every guest test on every kernel (main.ts runs a choice of them). An emulator keeps one processor
 * busy, so the next run begins while the one before it goes on.
 */
import { runGuestTest, type Verdict } from "./guest_run.ts";
import { kernels } from "./kernels.ts";
import { obstacle } from "./obstacle.ts";
import { regularTests } from "./tests.ts";

const why = obstacle();
const hasProcessorsForTwo = navigator.hardwareConcurrency > 1;

const runs = kernels.flatMap((kernel) =>
  regularTests.filter((test) => test.kernels?.includes(kernel.name) ?? true)
    .map((test) => ({ kernel, test }))
);
const started: Promise<Verdict>[] = [];

function start(index: number): Promise<Verdict> {
  const { kernel, test } = runs[index];
  const run = started[index] ??= runGuestTest(kernel, test);
  run.catch(() => {}); // It is the test's own to tell.
  return run;
}

/** Whether this test and all before it ran: then no filter will leave out the next. */
function isUnfiltered(index: number): boolean {
  return index > 0 && runs.slice(0, index + 1).every((_, i) => started[i] !== undefined);
}

for (const [index, { kernel, test }] of runs.entries()) {
  const name = `${kernel.name} ${test.name}, in an emulated machine`;
  Deno.test({
    name: why === null ? name : `${name} (skipped: ${why})`,
    ignore: why !== null,
    // The next run goes on when this test is over.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const run = start(index);
      const hasNext = index + 1 < runs.length;
      if (hasProcessorsForTwo && hasNext && isUnfiltered(index)) start(index + 1);
      const { problem } = await run;
      if (problem !== null) throw new Error(problem);
    },
  });
}
