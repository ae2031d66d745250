/**
 * Runs tests that were written for `deno test` and prints TAP. Where they run in an emulator, deno's
 * own runner costs more than some of them, and keeps to itself what they print.
 */

interface Test {
  readonly name: string;
  readonly ignore?: boolean;
  readonly fn: () => void | Promise<void>;
}

const tests: Test[] = [];

/** Collects instead of running; of what Deno.test takes, the two forms that this project writes. */
function collect(test: string | Test, fn?: () => void | Promise<void>): void {
  tests.push(typeof test === "string" ? { name: test, fn: fn! } : test);
}

/**
 * Runs the tests of modules, one after the other.
 * @param load Imports them: what they give to `Deno.test` on the way is run.
 * @param only Words of the names of those that are to run; none: all.
 * @returns Whether all have passed.
 */
export async function runTests(
  load: () => Promise<unknown>,
  only: readonly string[] = [],
): Promise<boolean> {
  Object.assign(Deno, { test: collect });
  await load();
  const chosen = tests.filter(({ name }) =>
    only.length === 0 || only.some((words) => name.includes(words))
  );
  let failed = 0;
  for (const [i, { name, ignore, fn }] of chosen.entries()) {
    if (ignore) {
      console.log(`ok ${i + 1} - ${name} # SKIP not for this machine`);
      continue;
    }
    const start = performance.now();
    let error: unknown = null;
    try {
      await fn();
    } catch (thrown) {
      error = thrown;
      failed++;
    }
    if (error !== null) comment(error instanceof Error ? error.stack ?? error.message : `${error}`);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${error === null ? "" : "not "}ok ${i + 1} - ${name} (${seconds} s)`);
  }
  console.log(`1..${chosen.length}`);
  return failed === 0;
}

function comment(text: string): void {
  console.log(text.replaceAll(/^/gm, "# "));
}
