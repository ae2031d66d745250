import { assert, assertEquals } from "../assert.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { Machine } from "./machine.ts";
import { play } from "./play.ts";
import { shorten } from "./shorten.ts";
import { plainStoryOf, storyOf } from "./story.ts";

/** Of the first so many seeds. */
const storiesPlayed = 60;
/** From a seed that is drawn; `./dev sim` plays as many as there is time for. */
const freshStoriesPlayed = 100;

Deno.test("stories break nothing", () => {
  for (let seed = 1; seed <= storiesPlayed; seed++) {
    const { faults } = play(storyOf(seed));
    assertEquals(faults, [], `./dev sim --seed ${seed} --minutes 0`);
  }
});

Deno.test("fresh stories break nothing", () => {
  const first = Number(
    Deno.env.get("AVAIL_SIM_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0],
  );
  console.log(`AVAIL_SIM_SEED=${first}`);
  for (let seed = first; seed < first + freshStoriesPlayed; seed++) {
    const { faults } = play(storyOf(seed));
    assertEquals(faults, [], `./dev sim --seed ${seed} --stories 1`);
  }
});

Deno.test("stories that broke once", () => {
  const once = [
    ...[1238, 200161, 300309, 400045, 500429, 600456, 601305, 601473, 700354, 700565, 900282],
    ...[3000013, 3001382, 4000037, 4000511],
  ];
  for (const seed of once) assertEquals(play(plainStoryOf(seed)).faults, [], `plain ${seed}`);
  for (
    const seed of [
      10000750,
      20000383,
      31000299,
      32001434,
      32002922,
      62002365,
      100000887,
      150000440,
      150000454,
      160001095,
      160001699,
      180006520,
      180007019,
      200005109,
      300004996,
      400004619,
      500014952,
      3200002350,
      3800002770,
      3900000311,
      120013539,
    ]
  ) {
    assertEquals(play(storyOf(seed)).faults, [], `./dev sim --seed ${seed} --stories 1`);
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
