/**
 * Runs random stories for a while: `./dev sim [--seed N] [--minutes M]`. A story that breaks an
 * invariant is told with its seed, which replays it exactly; exit code 1 then.
 */
import { randomStory } from "./faults.ts";

function option(name: string, otherwise: number): number {
  const at = Deno.args.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(Deno.args[at + 1]);
  if (!(value >= 0)) throw new Error(`--${name} ${Deno.args[at + 1]}: not a number; use 0 or more`);
  return value;
}

const first = option("seed", crypto.getRandomValues(new Uint32Array(1))[0]);
const end = performance.now() + option("minutes", 1) * 60_000;
console.log(`seeds from ${first}`);
let seed = first, broken = 0;
for (; seed === first || performance.now() < end; seed++) {
  const { faults, story } = randomStory(seed);
  if (faults.length === 0) continue;
  broken++;
  console.log(`seed ${seed}:\n  ${story.join("\n  ")}`);
  for (const fault of faults.slice(0, 5)) console.log(`  => ${fault}`);
}
console.log(`${seed - first} stories, ${broken} broken`);
Deno.exit(broken === 0 ? 0 : 1);
