import { drawPicture, Screen } from "../../../cli/demo/screen.ts";
import { assertEquals, assertStringIncludes } from "../../assert.ts";
import { safeStatus } from "../statuses.ts";

const picture = {
  title: "Starting",
  look: [
    { name: "fw1", power: "running", status: safeStatus },
    { name: "fw2", power: "off", status: null },
  ],
  traffic: null,
  bytesPerSecond: 0,
  waiting: "waiting",
} as const;

function recorder(isTerminal: boolean) {
  const written: string[] = [];
  return {
    written,
    output: {
      isTerminal,
      unicode: true,
      columns: () => 40,
      write: (text: string) => void written.push(text),
    },
  };
}

Deno.test("screen: a bar for each node, in plain letters where asked", () => {
  const lines = drawPicture(picture, false);
  assertStringIncludes(lines[2], "fw1 ######################..........  86  ready, safe");
  assertStringIncludes(lines[3], "fw2 #####################...........  85  no power");
});

Deno.test("screen: a picture replaces the one before, and gives way to lines that stay", () => {
  const { written, output } = recorder(true);
  const screen = new Screen(output);
  screen.picture(picture);
  screen.picture(picture);
  screen.line("done");
  assertStringIncludes(written[1], "\x1b[5A");
  assertEquals(written.slice(2), ["\x1b[5A\r\x1b[J", "done\n"]);
  for (const line of written[0].split("\n")) {
    // deno-lint-ignore no-control-regex
    assertEquals(line.replace(/\x1b\[[0-9]*[A-Z]|\r/g, "").length < 40, true, line);
  }
});

Deno.test("screen: without a terminal, lines only", () => {
  const { written, output } = recorder(false);
  const screen = new Screen(output);
  screen.picture(picture);
  screen.line("done");
  assertEquals(written, ["done\n"]);
});

Deno.test("screen: a long line is broken between words on a terminal, and nowhere else", () => {
  const text = "-- fw2 loses power: kill -9, its datapath and its cables with it.";
  const { written, output } = recorder(true);
  new Screen(output).line(text);
  assertEquals(written, [
    "-- fw2 loses power: kill -9, its\n",
    "   datapath and its cables with it.\n",
  ]);
  const pipe = recorder(false);
  new Screen(pipe.output).line(text);
  assertEquals(pipe.written, [`${text}\n`]);
});
