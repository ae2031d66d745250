import { assert, assertEquals } from "../assert.ts";
import { randomStory } from "./faults.ts";

Deno.test("random faults: never two owners that hear each other, and all is well in the end", () => {
  const first = crypto.getRandomValues(new Uint32Array(1))[0];
  for (let seed = first; seed < first + 6; seed++) {
    const { faults, story } = randomStory(seed);
    assertEquals(
      faults,
      [],
      `seed ${seed} (./dev sim --seed ${seed} --minutes 0)\n${story.join("\n")}`,
    );
  }
});

Deno.test("a seed replays exactly", () => {
  assertEquals(randomStory(11), randomStory(11));
});

Deno.test("without the lease the same stories break", () => {
  const broken = [1, 2, 3, 4].filter((seed) => randomStory(seed, false).faults.length > 0);
  assert(broken.length > 0);
});

Deno.test("stories that broke once", () => {
  for (const seed of [1, 17, 18, 1094, 1101, 2012, 3046, 500295, 700231]) {
    const { faults, story } = randomStory(seed);
    assertEquals(faults, [], `seed ${seed}\n${story.join("\n")}`);
  }
});
