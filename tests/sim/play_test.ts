import { assert, assertEquals } from "../assert.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { Machine } from "./machine.ts";
import { play } from "./play.ts";
import { shorten } from "./shorten.ts";
import { storyOf } from "./story.ts";

/** Fresh stories of each run; `./dev sim` plays as many as there is time for. */
const freshStories = 60;

Deno.test("fresh stories break nothing", () => {
  const first = crypto.getRandomValues(new Uint32Array(1))[0];
  for (let seed = first; seed < first + freshStories; seed++) {
    const { faults } = play(storyOf(seed));
    assertEquals(faults, [], `./dev sim --seed ${seed} --minutes 0`);
  }
});

Deno.test("a seed replays exactly", () => {
  const told = () => {
    const { cluster } = play(storyOf(11));
    return cluster.machines.map(({ events }) => events);
  };
  assertEquals(told(), told());
});

/** Datapaths that go on behind the end of their lease. */
function unfence(machine: Machine): void {
  machine.handled = () => machine.core === null ? BucketSet.empty() : machine.responsibility;
}

Deno.test("without the lease the same stories break, and are shortened", () => {
  const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
  const seed = seeds.find((one) => play(storyOf(one), unfence).faults.length > 0);
  assert(seed !== undefined);
  const story = storyOf(seed);
  const { faults } = play(story, unfence);
  const short = shorten(story, faults[0], unfence);
  assert(short.chapters.length < story.chapters.length, JSON.stringify(short));
  assert(play(short, unfence).faults.length > 0);
});
