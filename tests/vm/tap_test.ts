import { assertEquals } from "../assert.ts";
import { TapReader } from "./tap.ts";

function problemOf(text: string): string | null {
  const reader = new TapReader();
  for (const line of text.split("\n")) reader.read(line);
  return reader.problem();
}

Deno.test("a result has its number, its description and why it was skipped", () => {
  const reader = new TapReader();
  assertEquals(reader.read("ok 1 - arp entry is the shared MAC"), {
    ok: true,
    number: 1,
    description: "arp entry is the shared MAC",
    skipped: null,
  });
  assertEquals(reader.read("not ok 2 - no duplicates"), {
    ok: false,
    number: 2,
    description: "no duplicates",
    skipped: null,
  });
  assertEquals(reader.read("ok 3 - CLUSTERIP # SKIP not in this kernel"), {
    ok: true,
    number: 3,
    description: "CLUSTERIP",
    skipped: "not in this kernel",
  });
  for (const line of ["", "# ok 4 - a comment", "okay", "@@RC 0", "  ok 4 - indented"]) {
    assertEquals(reader.read(line), null, line);
  }
});

Deno.test("all that was planned came, and passed", () => {
  assertEquals(problemOf("ok 1 - a\n# why\nok 2 - b\n1..2"), null);
  assertEquals(problemOf("1..2\nok 1 - a\nok 2 - b"), null);
});

const faulty: readonly (readonly [text: string, problem: string])[] = [
  ["", "no plan after 0 results: it broke off"],
  ["1..0", "no results"],
  ["ok 1 - a", "no plan after 1 results: it broke off"],
  ["ok 1 - a\n1..2", "1 results, but 2 were planned"],
  ["ok 1 - a\nok 2 - b\n1..1", "2 results, but 1 were planned"],
  ["ok 1 - a\nnot ok 2 - b\n1..2", "1 of 2 failed"],
  ["ok 1 - a\nok 3 - c\n1..2", "out of order: 3 came instead of 2"],
  ["ok 1 - a\nBail out! no module\n1..1", "bailed out: no module"],
];

for (const [text, problem] of faulty) {
  Deno.test(`not as planned: ${text.replaceAll("\n", ", ") || "nothing at all"}`, () => {
    assertEquals(problemOf(text), problem);
  });
}
