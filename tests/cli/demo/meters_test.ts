/** The measures of one flow, with made-up clocks and sequences. */
import { GapMeter, SequenceMeter } from "../../../cli/demo/meters.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("gap: the longest silence between two echoes of an interval", () => {
  const gap = new GapMeter(1000);
  for (const at of [1010, 1060, 1200, 1210]) gap.heard(at);
  assertEquals(gap.longest(1215), 140);
  assertEquals(gap.endInterval(1215), 140);
  gap.heard(1220);
  assertEquals(gap.endInterval(1225), 10, "the next interval starts anew");
});

Deno.test("gap: a silence that goes on counts in both intervals", () => {
  const gap = new GapMeter(0);
  gap.heard(10);
  assertEquals(gap.endInterval(110), 100);
  assertEquals(gap.silence(150), 140);
  gap.heard(310);
  assertEquals(gap.endInterval(315), 300);
});

interface SequenceCase {
  readonly name: string;
  readonly first?: number;
  readonly heard: readonly number[];
  readonly lost: number;
  readonly duplicates: number;
}

const sequences: readonly SequenceCase[] = [
  { name: "the first one missing", heard: [2, 3], lost: 1, duplicates: 0 },
  { name: "the first one late", heard: [2, 1, 3], lost: 0, duplicates: 0 },
  { name: "all in order", heard: [1, 2, 3, 4], lost: 0, duplicates: 0 },
  { name: "two missing", heard: [1, 2, 5, 6], lost: 2, duplicates: 0 },
  { name: "one late", heard: [1, 3, 2, 4], lost: 0, duplicates: 0 },
  { name: "one twice", heard: [1, 2, 2, 3], lost: 0, duplicates: 1 },
  { name: "one twice, the second late", heard: [1, 2, 3, 4, 2], lost: 0, duplicates: 1 },
  { name: "late, and then again", heard: [1, 3, 2, 2], lost: 0, duplicates: 1 },
  {
    name: "over the end of the numbers",
    first: 65534,
    heard: [65534, 65535, 0, 2, 1],
    lost: 0,
    duplicates: 0,
  },
  { name: "twice over the end", first: 65535, heard: [65535, 0, 65535], lost: 0, duplicates: 1 },
  { name: "a long gap", heard: [1, 20000], lost: 19998, duplicates: 0 },
];

for (const { name, first = 1, heard, lost, duplicates } of sequences) {
  Deno.test(`sequence: ${name}`, () => {
    const meter = new SequenceMeter(first, 16);
    for (const sequence of heard) meter.heard(sequence);
    assertEquals({ lost: meter.lost, duplicates: meter.duplicates }, { lost, duplicates });
  });
}

Deno.test("sequence: what came twice is named once", () => {
  const meter = new SequenceMeter(1, 16);
  for (const sequence of [1, 2, 2, 3, 1]) meter.heard(sequence);
  assertEquals(meter.takeRepeated(), [2, 1]);
  assertEquals(meter.takeRepeated(), []);
});
