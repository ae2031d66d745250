import { catalogue, checkWords, isSelected, selectedGroups } from "../../lib/doctor/catalogue.ts";
import { worstOf } from "../../lib/doctor/finding.ts";
import { mergeSettings } from "../../lib/doctor/persist.ts";
import { examine, exitCodeOf, reportOf } from "../../lib/doctor/report.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { bareSetup } from "./setups.ts";

Deno.test("doctor: each word names one check or one group", () => {
  assertEquals(new Set(checkWords).size, checkWords.length);
  for (const { checks } of catalogue) {
    for (const { id, brief } of checks) {
      assertMatch(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      assert(id.length <= 22 && brief.length <= 56, id);
    }
  }
});

Deno.test("doctor: words select checks, or whole groups", () => {
  const of = (...words: string[]) => selectedGroups(words).map(({ name }) => name);
  assertEquals(of("mtu", "clock-sync"), ["interfaces", "clocks"]);
  assertEquals(of("firewall"), ["firewall"]);
  assertEquals(of().length, catalogue.length);
  assertEquals(isSelected(["clocks"], "clocks", "suspend"), true);
  assertEquals(isSelected(["clock-sync"], "clocks", "suspend"), false);
});

Deno.test("doctor: facts that are missing are told, and are no excuse to pass", () => {
  const problems = { firewall: "nft: exit code 1" };
  const findings = examine({}, problems, bareSetup, ["firewall", "mtu"]);
  assertEquals(findings.map(({ id, severity, evidence }) => [id, severity, evidence]), [
    ["firewall", "warning", "nft: exit code 1"],
  ]);
  assertEquals(examine({}, {}, bareSetup, ["firewall"]), []);
});

Deno.test("doctor: the exit code is that of the worst finding, or of a failed fix", () => {
  const found = (severity: "ok" | "info" | "warning" | "error") => ({
    ...{ id: "mtu", group: "interfaces", severity, title: "t", why: null, remedy: null } as const,
    ...{ commands: [], evidence: null, fix: null },
  });
  const code = (...severities: Parameters<typeof found>[0][]) =>
    exitCodeOf(reportOf(severities.map(found), [], null));
  assertEquals([code(), code("ok"), code("ok", "info")], [0, 0, 0]);
  assertEquals([code("warning", "info"), code("ok", "error", "warning")], [4, 1]);
  const failed = { change: "c", done: false, error: "permission denied", persisted: null };
  assertEquals(exitCodeOf(reportOf([found("ok")], [failed], null)), 1);
  assertEquals(worstOf([]), "ok");
});

Deno.test("doctor: a file of settings keeps one line for each, and what else is in it", () => {
  const line = (key: string, value: number) => ({ key, text: `${key} = ${value}` });
  const once = mergeSettings("", line("a.b", 1));
  assertMatch(once, /^# Written by avail doctor.*\na\.b = 1\n$/);
  const twice = mergeSettings(once, line("a.bc", 2));
  assertEquals(mergeSettings(twice, line("a.b", 3)), twice.replace("a.b = 1", "a.b = 3"));
  assertEquals(mergeSettings("x = 1\n", line("a", 2)).split("\n").slice(1), ["x = 1", "a = 2", ""]);
});
