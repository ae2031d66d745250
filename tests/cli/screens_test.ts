import { run } from "@stricli/core";
import { application } from "../../cli/application.ts";
import { type Context, styleOf } from "../../cli/context.ts";
import { bar, count, duration, table, width } from "../../cli/render.ts";
import { statusScreen } from "../../cli/status_screen.ts";
import { assert, assertEquals } from "../assert.ts";
import { assertGolden } from "../golden.ts";
import { safeStatus, unfitStatus, unsafeStatus } from "./statuses.ts";

const text = { colour: false, unicode: true };

Deno.test("status of a safe cluster", () => {
  assertGolden("status_safe.txt", statusScreen(safeStatus, text));
});

Deno.test("status in trouble", () => {
  assertGolden("status_unsafe.txt", statusScreen(unsafeStatus, text));
});

Deno.test("status tells what a backend cannot do, and nothing where it can all", () => {
  const weaker = ["the kernel knows no lease: a daemon that hangs goes on answering for its slots"];
  const datapath = { ...safeStatus.datapath, weaker };
  const lines = statusScreen({ ...safeStatus, datapath }, text).split("\n").map((l) => l.trim());
  assertEquals(lines.slice(-3, -1), [
    "weaker: the kernel knows no lease: a daemon that hangs goes on",
    "answering for its slots",
  ]);
  assert(!statusScreen(safeStatus, text).includes("weaker"));
});

Deno.test("status of a node whose checks fail, among others that disagree", () => {
  assertGolden("status_unfit.txt", statusScreen(unfitStatus, text));
});

Deno.test("status tells the load where it is known, and nothing where there is none", () => {
  const withLoad = (rates: readonly number[]) => {
    const load = { packets: rates, bytes: rates, packetsPerSecond: rates };
    return statusScreen({ ...safeStatus, datapath: { ...safeStatus.datapath, load } }, text);
  };
  const rates = new Array<number>(256).fill(0).with(17, 1000.4).with(200, 233.6);
  assert(withLoad(rates).includes("\n              1 234 a second now, 81 % of it in bucket 17\n"));
  for (const screen of [withLoad(new Array(256).fill(0)), statusScreen(safeStatus, text)]) {
    assert(!screen.includes("a second now"), screen);
  }
});

Deno.test("status tells what went wrong in the replication, and nothing where nothing did", () => {
  const none = { overruns: 0, overflows: 0, refused: 0, failed: 0, swept: 9, streamsEnded: 9 };
  const withTotals = (totals: typeof none) =>
    statusScreen({ ...safeStatus, replication: { ...safeStatus.replication, totals } }, text);
  assertEquals(withTotals(none), statusScreen(safeStatus, text));
  const lines = withTotals({ ...none, overruns: 1, refused: 1234 }).split("\n").map((l) =>
    l.trim()
  );
  assert(lines.includes("the kernel dropped events 1 time,"), lines.join("\n"));
  assert(lines.includes("1 234 flows of others found no room here"));
});

Deno.test("status on a terminal with colours", () => {
  assertGolden("status_colour.txt", statusScreen(safeStatus, { colour: true, unicode: true }));
});

Deno.test("status on a terminal without Unicode", () => {
  const screen = statusScreen(unsafeStatus, { colour: false, unicode: false });
  assert(/^[\x20-\x7e\n]*$/.test(screen), screen);
});

Deno.test("no line of a status is wider than 80 columns, no name steers the terminal", () => {
  for (const status of [safeStatus, unsafeStatus, unfitStatus]) {
    const screen = statusScreen(status, text);
    for (const line of screen.split("\n")) assert(width(line) <= 80, line);
    assert(!screen.includes("\x1b"));
  }
});

Deno.test("help of every command", async () => {
  const app = await application();
  const texts: string[] = [];
  const process = { stdout: { write: (t: string) => void texts.push(t) }, stderr: { write() {} } };
  const context: Context = { process, style: text };
  const commands = ["", "status", "who", "flows", "drain", "resume", "weight", "plan", "reload"]
    .concat(["init", "join", "token", "config", "config check", "config show"])
    .concat(["key", "key show", "key rotate", "key add", "key use", "key drop", "key reload"])
    .concat(["run", "version", "kmod", "kmod status", "kmod build", "kmod load", "kmod unload"])
    .concat(["events", "report"])
    .concat(["install", "uninstall", "completions"]);
  for (const command of commands) {
    texts.push(`$ avail ${command} --help\n`.replace("  ", " "));
    await run(app, [...command.split(" ").filter(Boolean), "--help"], context);
  }
  assertGolden("help.txt", texts.join(""));
});

Deno.test("colours only on terminals that want them", () => {
  const env = (values: Record<string, string>) => (name: string) => values[name];
  assertEquals(styleOf(env({ LANG: "C.UTF-8" }), true), { colour: true, unicode: true });
  assertEquals(styleOf(env({ LANG: "C", NO_COLOR: "1" }), true), {
    colour: false,
    unicode: false,
  });
  assertEquals(styleOf(env({ LC_ALL: "C", LANG: "de_CH.UTF-8" }), true).unicode, false);
  assertEquals(styleOf(env({ TERM: "dumb" }), true).colour, false);
  assertEquals(styleOf(env({}), false), { colour: false, unicode: true });
});

Deno.test("numbers as people read them", () => {
  assertEquals([0, 999, 1000, 1234567].map(count), ["0", "999", "1 000", "1 234 567"]);
  assertEquals(
    [0.4, 240, 999.4, 1000, 12_345, 59_999, 60_000, 303_000, 7_800_000, 273_600_000].map(duration),
    ["0 ms", "240 ms", "999 ms", "1 s", "12.3 s", "59.9 s", "1 min 0 s", "5 min 3 s"]
      .concat(["2 h 10 min", "3 d 4 h"]),
  );
  const cells = [0, 1, 128, 256].map((part) => bar(part, 256, 4, text));
  assertEquals(cells, ["░░░░", "█░░░", "██░░", "████"]);
});

Deno.test("columns line up around colours", () => {
  const lines = table([{ title: "A" }, { title: "B", align: "right" }], [
    ["\x1b[32mlong\x1b[0m", "1"],
    ["x", "22"],
  ], text);
  assertEquals(lines, ["A      B", "\x1b[32mlong\x1b[0m   1", "x     22"]);
});
