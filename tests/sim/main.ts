/**
 * Plays random stories for a while: `./dev sim [--seed N] [--minutes M] [--stories N] [--broken N] [--shorten 0]`. A
 * story that breaks something is told with its seed, which replays it exactly, and in the shortest form
 * that still breaks it; exit code 1 then. `--broken`: it ends after so many of them (10).
 */
import { play } from "./play.ts";
import { shorten } from "./shorten.ts";
import { storyOf, tell } from "./story.ts";

const tellEveryMs = 60_000;

function option(name: string, otherwise: number): number {
  const at = Deno.args.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(Deno.args[at + 1]);
  if (!(value >= 0)) throw new Error(`--${name} ${Deno.args[at + 1]}: not a number; use 0 or more`);
  return value;
}

const first = option("seed", crypto.getRandomValues(new Uint32Array(1))[0]);
const end = performance.now() + option("minutes", 1) * 60_000;
const brokenMax = option("broken", 10);
const isShortened = option("shorten", 1) > 0;
const stories = option("stories", Infinity);
console.log(`seeds from ${first}`);
let seed = first, broken = 0;
const isOver = () => seed - first >= stories || broken >= brokenMax || performance.now() >= end;
let tellAt = performance.now() + tellEveryMs;
for (; seed === first || !isOver(); seed++) {
  if (performance.now() >= tellAt) {
    console.error(`${seed - first} stories so far, ${broken} broken`);
    tellAt += tellEveryMs;
  }
  const story = storyOf(seed);
  const { faults } = play(story);
  if (faults.length === 0) continue;
  broken++;
  console.log(`seed ${seed}: ${faults.slice(0, 3).join("\n  ")}`);
  if (!isShortened) continue;
  const { chapters, ...world } = shorten(story, faults[0]);
  console.log(`  shortest: ${JSON.stringify(world)}`);
  for (const { fault, afterMs } of chapters) {
    console.log(`    ${tell(fault)}, then ${afterMs.toFixed(0)} ms`);
  }
}
console.log(`${seed - first} stories, ${broken} broken`);
Deno.exit(broken === 0 ? 0 : 1);
