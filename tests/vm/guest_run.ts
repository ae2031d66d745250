/** One guest test on one kernel, from source to verdict. */
import { findReport } from "./kernel_log.ts";
import type { KernelSpec } from "./kernels.ts";
import { obtain } from "./obtain.ts";
import { prepare } from "./prepare.ts";
import { boot, type Run } from "./qemu.ts";
import { TapReader, type TapResult } from "./tap.ts";
import type { GuestTest } from "./tests.ts";

export interface Verdict {
  /** The kernel's own name, `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  readonly results: readonly TapResult[];
  /** Why the run failed, with what helps to find out; null if it passed. */
  readonly problem: string | null;
  /** From the start of the emulator to its end. */
  readonly ms: number;
}

/** Lines of the console that are shown of a run that failed. */
const tailLines = 30;

/**
 * Builds and packs what the test needs, boots it and judges.
 * @param onResult Called with each result as it comes, unless the run is meant to fail.
 * @throws If the test cannot be run at all: no kernel, no compiler, a module that does not build.
 */
export async function runGuestTest(
  spec: KernelSpec,
  test: GuestTest,
  onResult: (result: TapResult) => void = () => {},
): Promise<Verdict> {
  const verdict = await runOnce(spec, test, onResult);
  if (verdict.problem === null || !isEmulatorsFault(verdict.problem)) return verdict;
  console.error(
    `vm: ${spec.name} ${test.name}: the emulator met a breakpoint that was gone; again`,
  );
  return await runOnce(spec, test, onResult);
}

/**
 * The kernel changes its own code behind a breakpoint (int3) that it takes away when all processors have
 * passed. QEMU's TCG may still run a translation that has it on another one, and the kernel knows of no
 * breakpoint there. What stands before the address by then is none (`cc`), and the module changes no code.
 */
export function isEmulatorsFault(problem: string): boolean {
  return /^the kernel reports: Oops: int3: /.test(problem) &&
    /^\[.*\] RIP: 0010:\w+\+0x\w+\/0x\w+$/m.test(problem) &&
    /^\[.*\] Code: (?:[0-9a-f]{2} )*(?!cc)[0-9a-f]{2} <[0-9a-f]{2}> /m.test(problem);
}

async function runOnce(
  spec: KernelSpec,
  test: GuestTest,
  onResult: (result: TapResult) => void,
): Promise<Verdict> {
  const kernel = await obtain(spec);
  const initramfs = await prepare(kernel, test);
  const tap = new TapReader();
  const run = await boot({
    ...test,
    kernel,
    initramfs,
    script: `/test/${test.name}.sh`,
    label: `${spec.name}-${test.name}`,
    onLine: (line) => {
      const result = tap.read(line);
      if (result !== null && test.mustBeCaught === undefined) onResult(result);
    },
  });
  const problem = judge(run, tap);
  return {
    release: kernel.release,
    results: tap.results,
    problem: test.mustBeCaught === undefined ? problem : judgeControl(problem, test.mustBeCaught),
    ms: run.ms,
  };
}

/** What is wrong with a run; null if nothing is. The kernel's own report says the most. */
export function judge(run: Run, tap: TapReader): string | null {
  const tail = (text: string) => text.trimEnd().split("\n").slice(-tailLines).join("\n");
  const report = findReport(run.log);
  if (report !== null) return `the kernel reports: ${report.line}\n${report.surroundings}`;
  const ending = `the console's end:\n${tail(run.console)}`;
  if (run.isHung) {
    const seconds = Math.round(run.ms / 1000);
    return `stopped after ${seconds} s; ${ending}\nthe kernel log's end:\n${tail(run.log)}`;
  }
  if (run.code === null) {
    return `the guest stopped before its end; ${ending}\nthe kernel log's end:\n${tail(run.log)}`;
  }
  const problem = tap.problem();
  if (problem !== null) return `${problem}; ${ending}`;
  return run.code === 0 ? null : `the script ended with exit code ${run.code}; ${ending}`;
}

/** For a run that must fail: null if it did, for the kernel's report that is expected. */
export function judgeControl(problem: string | null, expected: RegExp): string | null {
  if (problem === null) return "the kernel's report was not noticed";
  const line = /^the kernel reports: (.*)/.exec(problem)?.[1] ?? "";
  return expected.test(line) ? null : `failed for another reason: ${problem}`;
}
