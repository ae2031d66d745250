/**
 * Every guest test on every kernel (main.ts runs a choice of them). An emulated processor keeps one of
 * this machine's busy, so two guests run at a time, the one that takes longest first.
 */
import { runGuestTest, type Verdict } from "./guest_run.ts";
import { kernels } from "./kernels.ts";
import { obstacle } from "./obstacle.ts";
import { regularTests } from "./tests.ts";

const why = obstacle();
const guestsMax = Math.min(2, navigator.hardwareConcurrency);

/** Where all are wanted, those that come later begin ahead. */
const isFiltered = Deno.readTextFileSync("/proc/self/cmdline").includes("\0--filter");

const runs = kernels.flatMap((kernel) =>
  regularTests.filter((test) => test.kernels?.includes(kernel.name) ?? true)
    .map((test) => ({ kernel, test }))
).toSorted((a, b) => b.test.deadlineMs - a.test.deadlineMs);

const started: Promise<Verdict>[] = [];
const going = new Set<number>();

function start(index: number): Promise<Verdict> {
  const { kernel, test } = runs[index];
  if (started[index] === undefined) {
    going.add(index);
    started[index] = runGuestTest(kernel, test).finally(() => {
      going.delete(index);
      startMore();
    });
    started[index].catch(() => {}); // It is the test's own to tell.
  }
  return started[index];
}

/** Starts what there is room for, ahead of the tests that ask for it. */
function startMore(): void {
  while (!isFiltered && going.size < guestsMax) {
    const next = runs.findIndex((_, index) => started[index] === undefined);
    if (next < 0) return;
    start(next);
  }
}

for (const [index, { kernel, test }] of runs.entries()) {
  const name = `${kernel.name} ${test.name}, in an emulated machine`;
  Deno.test({
    name: why === null ? name : `${name} (skipped: ${why})`,
    ignore: why !== null,
    // Other runs go on when this test is over.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const run = start(index);
      startMore();
      const { problem } = await run;
      if (problem !== null) throw new Error(problem);
    },
  });
}
