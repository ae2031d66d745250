/**
 * Runs the module's tests in emulated machines:
 * `deno run -A tests/vm/main.ts [--kernel 6.1]… [--test NAME]… [--keep-going] [--refresh] [--list]
 * [--source FOLDER]`. Without a choice: every test on every kernel, with this checkout's module. The output is TAP; its exit code is 0 if all passed.
 */
import { parseArgs } from "node:util";
import { kernels, type KernelSpec } from "./kernels.ts";
import { runGuestTest } from "./guest_run.ts";
import { obtain } from "./obtain.ts";
import { obstacle } from "./obstacle.ts";
import { clusterdev, clusterdevIn, type GuestTest, guestTests, regularTests } from "./tests.ts";

interface Options {
  readonly kernels: readonly KernelSpec[];
  readonly tests: readonly GuestTest[];
  /** Goes on after a failure. */
  readonly keepGoing: boolean;
  /** Looks for newer versions of the kernels first. */
  readonly refresh: boolean;
  /** Only says what would run. */
  readonly list: boolean;
}

/** @throws {TypeError} For words that mean nothing. */
export function readArguments(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "kernel": { type: "string", multiple: true, default: kernels.map((one) => one.name) },
      "test": { type: "string", multiple: true, default: regularTests.map((one) => one.name) },
      "source": { type: "string", default: clusterdev.folder },
      "keep-going": { type: "boolean", default: false },
      "refresh": { type: "boolean", default: false },
      "list": { type: "boolean", default: false },
    },
  });
  const source = clusterdevIn(values.source);
  const tests = values.test.map((name) => named(guestTests, name, "test"));
  return {
    kernels: values.kernel.map((name) => named(kernels, name, "kernel")),
    tests: tests.map((test) => ({
      ...test,
      builds: (test.builds ?? []).map((one) =>
        one.name === source.name
          ? { ...one, folder: source.folder, shared: source.shared ?? [] }
          : one
      ),
    })),
    keepGoing: values["keep-going"],
    refresh: values.refresh,
    list: values.list,
  };
}

function named<T extends { readonly name: string }>(
  all: readonly T[],
  name: string,
  kind: string,
): T {
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = all.map((one) => one.name).join(", ");
  throw new TypeError(`reading arguments: ${kind} "${name}": not known; one of ${names}`);
}

async function main(options: Options): Promise<boolean> {
  const runs = options.kernels.flatMap((kernel) =>
    options.tests.filter((test) => test.kernels?.includes(kernel.name) ?? true)
      .map((test) => ({ kernel, test }))
  );
  if (options.list) {
    for (const { kernel, test } of runs) console.log(`${kernel.name} ${test.name}`);
    return true;
  }
  const why = obstacle();
  if (why !== null) throw new Error(`starting: ${why}`);
  if (options.refresh) { for (const kernel of options.kernels) await obtain(kernel, true); }
  let count = 0;
  let hasPassed = true;
  const tell = (isOk: boolean, text: string) =>
    console.log(`${isOk ? "" : "not "}ok ${++count} - ${text}`);
  for (const { kernel, test } of runs) {
    const label = `${kernel.name} ${test.name}`;
    try {
      const verdict = await runGuestTest(
        kernel,
        test,
        ({ ok, description, skipped }) =>
          tell(ok, `${label}: ${description}${skipped === null ? "" : ` # SKIP ${skipped}`}`),
      );
      const seconds = (verdict.ms / 1000).toFixed(1);
      tell(verdict.problem === null, `${label}: whole run on ${verdict.release} (${seconds} s)`);
      if (verdict.problem === null) continue;
      console.log(asComment(verdict.problem));
    } catch (error) {
      tell(false, `${label}: runs`);
      console.log(asComment(error instanceof Error ? error.message : String(error)));
    }
    hasPassed = false;
    if (!options.keepGoing) break;
  }
  console.log(`1..${count}`);
  return hasPassed;
}

function asComment(text: string): string {
  return text.replace(/^/gm, "# ");
}

if (import.meta.main) {
  try {
    if (!await main(readArguments(Deno.args))) Deno.exit(1);
  } catch (error) {
    console.error(`vm: ${error instanceof Error ? error.message : error}`);
    Deno.exit(error instanceof TypeError ? 2 : 1);
  }
}
