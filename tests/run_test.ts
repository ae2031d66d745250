import { assert, assertEquals } from "./assert.ts";
import { outcomeOf, readSummary, stagesOf } from "./run.ts";

Deno.test("the summary of deno's report is read, with and without colours", () => {
  const report = "ok | 99 passed | 0 failed (said a test)\nbad ... FAILED (1ms)\n\n" +
    "\x1b[31mFAILED\x1b[0m | 7 passed (2 steps) | 1 failed (1 step) | 2 ignored (3 steps) (63ms)\n";
  assertEquals(readSummary(report), { passed: 7, failed: 1, skipped: 2 });
  assertEquals(readSummary("ok | 3 passed | 0 failed (9ms)"), { passed: 3, failed: 0, skipped: 0 });
  assertEquals(readSummary("error: Type checking failed."), null);
});

Deno.test("a runner that broke counts as a failure", () => {
  assertEquals(outcomeOf(null, 1), { passed: 0, failed: 1, skipped: 0 });
  assertEquals(outcomeOf({ passed: 3, failed: 0, skipped: 0 }, 1).failed, 1);
  assertEquals(outcomeOf({ passed: 3, failed: 2, skipped: 0 }, 1).failed, 2);
  assertEquals(outcomeOf({ passed: 3, failed: 0, skipped: 1 }, 0).failed, 0);
});

Deno.test("every test is in one lane, and in one only", async () => {
  const root = new URL("../", import.meta.url).pathname;
  const files: string[] = [];
  for await (const path of testFiles(`${root}tests`)) files.push(path.slice(root.length));
  assert(files.length > 200);
  const isIn = (path: string, places: readonly string[]) =>
    places.some((place) => path === place || path.startsWith(`${place.replace(/\/$/, "")}/`));
  const lanes = stagesOf([]).flat().map(({ args }) => ({
    takes: args.filter((arg) => !arg.startsWith("--")),
    ignores: args.flatMap((arg) =>
      arg.startsWith("--ignore=") ? arg.slice("--ignore=".length).split(",") : []
    ),
  }));
  const wrong = files.filter((path) =>
    lanes.filter(({ takes, ignores }) => isIn(path, takes) && !isIn(path, ignores)).length !== 1
  );
  assertEquals(wrong, []);
});

async function* testFiles(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* testFiles(`${folder}/${name}`);
    else if (name.endsWith("_test.ts")) yield `${folder}/${name}`;
  }
}
