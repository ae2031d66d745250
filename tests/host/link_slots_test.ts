import { nextSlots } from "../../lib/host/link_slots.ts";
import { assertEquals } from "../assert.ts";

const of = (index: number) => ({ name: `eth${index}`, index, mac: new Uint8Array(6) });

Deno.test("links keep their places, a new one takes the first free one", () => {
  const cases: readonly (readonly [string, readonly number[], string])[] = [
    ["1 2 | 3", [3], "1 2 | 3"],
    ["1 2 | 3", [3, 4], "1 2 | 3 4"],
    ["1 2 | 3", [4, 3], "1 2 | 3 4"],
    ["1 2 | 3", [], "1 2 | -"],
    ["1 2 | 3 4", [4], "1 2 | - 4"],
    ["1 2 | - 4", [5, 4, 6], "1 2 | 5 4 6"],
    ["1 2 |", [9], "1 2 | 9"],
    // A share may be a link as well.
    ["1 2 | 3", [1], "1 2 | 1"],
  ];
  for (const [before, links, after] of cases) {
    const [shares, others] = before.split("|").map((part) =>
      part.split(" ").filter(Boolean).map((word) => word === "-" ? null : of(Number(word)))
    );
    const wanted = [of(1), of(2), ...links.map(of)];
    const slots = nextSlots([...shares, ...others], wanted, 2);
    const words = slots.map((slot) => slot === null ? "-" : `${slot.index}`);
    assertEquals([...words.slice(0, 2), "|", ...words.slice(2)].join(" "), after);
  }
});
