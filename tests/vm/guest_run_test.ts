import { assertEquals, assertMatch, assertThrows } from "../assert.ts";
import { warningsIn } from "./build_module.ts";
import { isEmulatorsFault, judge, judgeControl } from "./guest_run.ts";
import { readArguments } from "./main.ts";
import type { Run } from "./qemu.ts";
import { TapReader } from "./tap.ts";

const passed: Run = {
  code: 0,
  isHung: false,
  console: "@@ Linux 6.1\nok 1 - it works\n1..1\n@@RC 0\n",
  log: "[    0.000000] Linux version 6.1\n[    3.000000] Run /init as init process\n",
  ms: 5000,
};

function judged(change: Partial<Run>): string | null {
  const run = { ...passed, ...change };
  const tap = new TapReader();
  for (const line of run.console.split("\n")) tap.read(line);
  return judge(run, tap);
}

const warning = "[    4.000000] WARNING: CPU: 0 PID: 1 at avail_warn_init+0x1/0x2 [avail_warn]\n";

Deno.test("a run passes when all its results do", () => assertEquals(judged({}), null));

/** What went wrong, and how its judgement begins. */
const failures: readonly (readonly [change: Partial<Run>, judgement: RegExp])[] = [
  [
    { console: "ok 1 - a\nnot ok 2 - b\n1..2\n@@RC 1\n", code: 1 },
    /^1 of 2 failed; the console's end/,
  ],
  [{ console: "ok 1 - a\n@@RC 2\n", code: 2 }, /^no plan after 1 results/],
  [{ code: 3 }, /^the script ended with exit code 3/],
  [
    { code: null, console: "ok 1 - a\n" },
    /^the guest stopped before its end[^]*kernel log's end:\n/,
  ],
  [{ code: null, isHung: true, ms: 90_000 }, /^stopped after 90 s; [^]*ok 1 - it works/],
  [{ log: passed.log + warning }, /^the kernel reports: WARNING: .*avail_warn_init/],
  // What the kernel reports says more than what came of it.
  [{ log: passed.log + warning, code: null, isHung: true }, /^the kernel reports: /],
];

for (const [change, judgement] of failures) {
  Deno.test(`a run fails: ${judgement.source}`, () => assertMatch(judged(change) ?? "", judgement));
}

Deno.test("a run that must fail passes only by the report that is expected", () => {
  const expected = /^WARNING: .*avail_warn_init/;
  assertEquals(judgeControl(judged({ log: warning }), expected), null);
  assertEquals(judgeControl(judged({}), expected), "the kernel's report was not noticed");
  const other = judged({ log: "[    4.0] BUG: unable to handle page fault\n" });
  assertMatch(
    judgeControl(other, expected) ?? "",
    /^failed for another reason: the kernel reports: BUG/,
  );
  assertMatch(judgeControl(judged({ code: 1 }), expected) ?? "", /^failed for another reason/);
});

Deno.test("what a build says against the module, and what only of its surroundings", () => {
  assertEquals(
    warningsIn(`make[1]: Entering directory '/m'
  CC [M]  /m/main.o
warning: the compiler differs from the one used to build the kernel
  LD [M]  /m/clusterdev.ko
Skipping BTF generation for /m/clusterdev.ko due to unavailability of vmlinux`),
    [],
  );
  const complaint = "WARNING: modpost: missing MODULE_DESCRIPTION() in /m/clusterdev.o";
  assertEquals(warningsIn(`  MODPOST /m/Module.symvers\n${complaint}\n`), [complaint]);
});

Deno.test("arguments choose kernels and tests by name", () => {
  const all = readArguments([]);
  assertEquals(all.kernels.map((one) => one.name), ["5.10", "6.1", "6.12", "newest"]);
  assertEquals(all.keepGoing, false);
  const some = readArguments([
    "--kernel",
    "6.1",
    "--kernel=5.10",
    "--test",
    "smoke",
    "--keep-going",
  ]);
  assertEquals(some.kernels.map((one) => one.name), ["6.1", "5.10"]);
  assertEquals(some.tests.map((one) => one.name), ["smoke"]);
  assertEquals(some.keepGoing, true);
  for (
    const words of [["--kernel", "2.4"], ["--test", "none"], ["--what"], ["6.1"], ["--kernel"]]
  ) {
    assertThrows(() => readArguments(words), TypeError, undefined, words.join(" "));
  }
});

Deno.test("a breakpoint that is gone is the emulator's fault, any other report is not", () => {
  const rip = (where: string) => `[   74.928155] RIP: 0010:${where}`;
  const code = (at: string) => `[   74.928703] Code: 90 31 c0 ${at} <90> 0f 1f 44`;
  const told = (line: string, where: string, at: string) =>
    `the kernel reports: ${line}\n${rip(where)}\n${code(at)}\n`;
  const [oops, ours] = ["Oops: int3: 0000 [#1] PREEMPT SMP NOPTI", "cd_rx+0x1e/0x120 [clusterdev]"];
  const theirs = "netif_rx_internal+0x1e/0x120";
  assertEquals(isEmulatorsFault(told(oops, theirs, "66")), true);
  assertEquals(isEmulatorsFault(told(oops, theirs, "cc")), false);
  assertEquals(isEmulatorsFault(told(oops, ours, "66")), false);
  assertEquals(isEmulatorsFault(told("Oops: 0002 [#1] SMP", theirs, "66")), false);
});
