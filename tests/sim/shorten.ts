/** The shortest form of a story that still breaks the same thing. */
import { play } from "./play.ts";
import type { Machine } from "./machine.ts";
import type { Story } from "./story.ts";

/** Faults of the same kind differ in names and numbers. */
function kindOf(fault: string): string {
  return fault.replace(/^[\d.]+: /, "").replaceAll(/n\d\d|-?\d+(\.\d+)?/g, "#").slice(0, 30);
}

/** `fault`: the first one of the story; `change`: as it was played. */
export function shorten(
  story: Story,
  fault: string,
  change: (machine: Machine) => void = () => {},
): Story {
  const wanted = kindOf(fault);
  const breaks = (one: Story) => play(one, change).faults.some((text) => kindOf(text) === wanted);
  let shortest = story;
  const attempt = (change: Partial<Story>) => {
    const simpler = { ...shortest, ...change };
    if (!breaks(simpler)) return false;
    shortest = simpler;
    return true;
  };
  for (let i = shortest.chapters.length - 1; i >= 0; i--) {
    attempt({ chapters: shortest.chapters.filter((_, at) => at !== i) });
  }
  const simple: Partial<Story>[] = [
    ...[{ loss: 0 }, { repeat: 0 }, { delayMsMax: 0.5 }, { drift: 0 }],
    ...[{ isFoundInDisorder: false }, { links: 0 }, { backups: 1 }, { multiplier: 3 }],
    { startsMs: shortest.startsMs.map(() => 0) },
  ];
  for (const change of simple) attempt(change);
  shortest.chapters.forEach((chapter, i) => {
    for (const afterMs of [10, 400, 1000]) {
      if (afterMs >= chapter.afterMs) continue;
      const chapters = shortest.chapters.with(i, { ...shortest.chapters[i], afterMs });
      if (attempt({ chapters })) break;
    }
  });
  return shortest;
}
