/** Help on narrow terminals: nothing is lost, nothing is broken, and columns stay columns. */
import { fitError, fitHelp } from "../../cli/help_fit.ts";
import { assert, assertEquals } from "../assert.ts";
import { assertGolden } from "../golden.ts";

const all = Deno.readTextFileSync(new URL("../golden/help.txt", import.meta.url))
  .split(/^\$ avail.*--help\n/m).slice(1);
const wordsOf = (text: string) => text.split(/\s+/);
/** A command line to copy stays in one piece, however long it is. */
const isExample = (line: string) => line.startsWith("  avail ") && !/[[<]/.test(line);

for (const columns of [60, 80, 100]) {
  Deno.test(`help in ${columns} columns says the same, in lines that fit`, () => {
    assert(all.length > 20);
    for (const text of all) {
      const fitted = fitHelp(text, columns);
      assertEquals(wordsOf(fitted), wordsOf(text));
      for (const line of fitted.split("\n")) {
        if (!isExample(line)) assert(line.length <= columns, `${line.length}: ${line}`);
      }
    }
  });
}

Deno.test("help that fits stays as it is, and so does what has no room for columns", () => {
  for (const text of all) {
    const longest = Math.max(...text.split("\n").map((line) => line.length));
    assertEquals(fitHelp(text, longest), text);
    assertEquals(fitHelp(text, 30), text);
  }
});

Deno.test("help in 80 columns", () => {
  const init = all.find((text) => text.startsWith("USAGE\n  avail init "))!;
  assertGolden("help_narrow.txt", fitHelp(init, 80));
});

Deno.test("errors on a terminal break between words, and never within a command", () => {
  const error =
    "avail: join: this node is set up already, by /etc/avail/avail.toml; look at it with " +
    "`avail config show`, or replace it with --force\n";
  const progress =
    "a line of progress that is longer than the terminal, and overwritten: as it is\r";
  const lines = fitError(error, 72).split("\n");
  assertEquals(wordsOf(lines.join(" ")), wordsOf(error));
  for (const line of lines) assert(line.length <= 72, line);
  assert(lines.some((line) => line.includes("`avail config show`")));
  assertEquals(fitError(error, 200), error);
  assertEquals(fitError(progress, 60), progress);
});
