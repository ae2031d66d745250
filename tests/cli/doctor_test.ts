/** `avail doctor`: its screens, its words, and what it refuses. */
import { run } from "@stricli/core";
import { application } from "../../cli/application.ts";
import type { Context } from "../../cli/context.ts";
import { checkList, doctorScreen } from "../../cli/doctor_screen.ts";
import { width, withoutColours } from "../../cli/render.ts";
import { reportOf } from "../../lib/doctor/report.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { assertGolden } from "../golden.ts";
import {
  dryReport,
  faultyReport,
  mendedReport,
  sickReport,
  soundReport,
} from "./doctor_reports.ts";
import { avail } from "./program.ts";

const text = { colour: false, unicode: true };
const usual = { all: false, isDry: false };

Deno.test("doctor on a node on which much is wrong", () => {
  assertGolden("doctor_sick.txt", doctorScreen(sickReport, usual, text));
  assertGolden("doctor_all.txt", doctorScreen(sickReport, { ...usual, all: true }, text));
});

Deno.test("doctor on a terminal with colours", () => {
  const screen = doctorScreen(faultyReport, usual, { colour: true, unicode: true });
  assertGolden("doctor_colour.txt", screen);
  const [plain] = [doctorScreen(faultyReport, usual, text)];
  assertEquals(withoutColours(screen), plain);
});

Deno.test("doctor after --fix, and before", () => {
  assertGolden(
    "doctor_fix.txt",
    doctorScreen(mendedReport, usual, text) + "---\n" +
      doctorScreen(dryReport, { ...usual, isDry: true }, text),
  );
});

Deno.test("doctor where nothing is wrong is one line", () => {
  assertEquals(doctorScreen(soundReport, usual, text), "fw1: nothing is wrong; 2 are fine\n");
  const nothing = reportOf([], [], null);
  const words = "this machine: there is nothing to look at without a configuration or a daemon\n";
  assertEquals(doctorScreen(nothing, usual, text), words);
});

Deno.test("doctor: no line but a command is wider than 80 columns, nothing steers the terminal", () => {
  const [finding] = sickReport.findings;
  const hostile = {
    ...finding,
    title: "a \x1b[2J b",
    evidence: "\x07bell",
    commands: ["x\x9b31m"],
  };
  for (
    const report of [sickReport, faultyReport, dryReport, { ...sickReport, findings: [hostile] }]
  ) {
    const screen = doctorScreen(report, { all: true, isDry: false }, text);
    const commands = report.findings.flatMap((each) => each.commands);
    for (const line of screen.split("\n")) {
      const isCommand = commands.some((command) => line.trim().startsWith(command.slice(0, 20)));
      assert(isCommand || width(line) <= 80, line);
    }
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(screen));
  }
});

Deno.test("doctor on a terminal without Unicode", () => {
  const ascii = { colour: false, unicode: false };
  for (const report of [sickReport, faultyReport]) {
    const screen = doctorScreen(report, { all: true, isDry: false }, ascii);
    assert(/^[\x20-\x7e\n]*$/.test(screen), screen);
  }
});

Deno.test("doctor --list and --help", async () => {
  const texts: string[] = [];
  const process = { stdout: { write: (t: string) => void texts.push(t) }, stderr: { write() {} } };
  const context: Context = { process, style: text };
  await run(await application(), ["doctor", "--help"], context);
  assertGolden("doctor_help.txt", texts.join("") + "---\n" + checkList([], false, text));
  const { checks } = JSON.parse(checkList(["clocks"], true, text));
  assertEquals(checks[0], {
    id: "clock-sync",
    group: "clocks",
    brief: "the time of day is kept right",
  });
});

Deno.test("doctor: wrong words, each with one line and exit code 2", async () => {
  const cases: readonly (readonly [args: readonly string[], says: string])[] = [
    [["mtuu"], 'CHECK: there is no check "mtuu"; did you mean "mtu"?'],
    [["mtu", "nonsense-at-all"], 'there is no check "nonsense-at-all"; avail doctor --list'],
    [["--persist"], "--persist goes with --fix"],
    [["--dry-run"], "--dry-run goes with --fix"],
    [["--fixx"], "unknown flag --fixx; did you mean --fix?"],
    [["--config", "/nowhere/avail.toml"], "/nowhere/avail.toml: there is no such file"],
    [["--config", "/"], "/: "],
    [["--socket"], "--socket needs a value"],
  ];
  for (const [args, says] of cases) {
    const { code, stdout, stderr } = await avail("doctor", ...args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertStringIncludes(stderr, says);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  }
});

Deno.test("doctor --json has the shape that is documented", async () => {
  const { code, stdout } = await avail("doctor", "clock-source", "suspend", "--json");
  const report = JSON.parse(stdout);
  assertEquals(Object.keys(report), ["schema", "node", "worst", "counts", "findings", "fixes"]);
  assertEquals(Object.keys(report.counts), ["ok", "info", "warning", "error"]);
  for (const finding of report.findings) {
    assertEquals(
      Object.keys(finding).toSorted(),
      ["id", "severity", "title", "why", "remedy", "commands", "evidence", "fix", "group"]
        .toSorted(),
    );
    assertEquals(finding.group, "clocks");
  }
  assertEquals(code, { ok: 0, info: 0, warning: 4, error: 1 }[report.worst as "ok"]);
});
