/**
 * Every guest test on every kernel (main.ts runs a choice of them), the one that takes longest first.
 * Guests wait a third of their time, so more of them run at a time than this machine has processors;
 * not those with several processors of their own, which do not wait.
 */
import { runGuestTest, type Verdict } from "./guest_run.ts";
import { kernels } from "./kernels.ts";
import { obstacle } from "./obstacle.ts";
import { regularTests } from "./tests.ts";

const why = obstacle();
const processors = navigator.hardwareConcurrency;
const guestsMax = Math.ceil(processors * 1.5);

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

function isWide(index: number): boolean {
  return (runs[index].test.smp ?? 1) > 1;
}

/** Starts what there is room for, ahead of the tests that ask for it. */
function startMore(): void {
  while (!isFiltered && going.size < guestsMax) {
    const isFull = [...going].filter(isWide).length >= processors;
    const next = runs.findIndex((_, index) =>
      started[index] === undefined && !(isFull && isWide(index))
    );
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
