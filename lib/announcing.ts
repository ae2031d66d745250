/**
 * When a node tells a share's network again where the shared addresses are and that their frames are
 * wanted here. The cluster MAC never changes, so a takeover needs none of this. But a switch that snoops
 * forgets the groups of a port that loses its link, or all of them, and may not ask for two minutes; and
 * hosts may have learned another MAC while nobody served.
 */
import type { CoreEvent } from "./node_types.ts";
import type { Millis } from "./ports.ts";

/** A switch's port may drop what comes in the moment it comes up, and anything may be lost. */
const repeatsMs = [0, 1000, 4000] as const;
/** What gives a reason so soon after another one has the same cause. */
export const sameCauseMs = 1000;

/** A share that is to be announced now. */
export interface Due {
  readonly share: number;
  /** Why, as the end of a sentence; null: it was told already, and this is a repeat. */
  readonly because: string | null;
}

interface Announcement {
  readonly since: Millis;
  readonly because: string;
  /** Of `repeatsMs`. */
  made: number;
}

export class Announcing {
  readonly #announcements: (Announcement | null)[];
  /** Nodes that are silent. */
  readonly #silent = new Set<string>();
  #hasServed = false;

  /** `shares`: how many there are. */
  constructor(shares: number) {
    this.#announcements = Array.from({ length: shares }, () => null);
  }

  /** An interface of this node, numbered as the core's, has its carrier again. */
  carrier(interfaceIndex: number, now: Millis): void {
    this.#begin(interfaceIndex, "its carrier is back", now);
  }

  /** What the core tells may be a reason. */
  event({ name, fields }: Pick<CoreEvent, "name" | "fields">, now: Millis): void {
    const node = String(fields.node);
    switch (name) {
      case "activated":
        if (!this.#hasServed) this.#beginAll("this node serves now", now);
        this.#hasServed = true;
        return;
      case "peer-dead":
        this.#silent.add(node);
        return;
      case "peer-heard":
        if (this.#silent.delete(node)) this.#beginAll(`${node} is heard again`, now);
        return;
      case "path-back":
        this.#announcements.forEach((_, share) => {
          if (fields.interface !== `share ${share}`) return;
          this.#begin(share, `${node} is heard on it again`, now);
        });
    }
  }

  /** What is to be announced by now, each share once. */
  due(now: Millis): Due[] {
    return this.#announcements.flatMap((announcement, share) => {
      if (announcement === null || nextOf(announcement) > now) return [];
      const isFirst = announcement.made === 0;
      while (nextOf(announcement) <= now) announcement.made++;
      return [{ share, because: isFirst ? announcement.because : null }];
    });
  }

  /** When the next one is due; Infinity: nothing is. */
  get deadline(): Millis {
    return Math.min(...this.#announcements.map((each) => each === null ? Infinity : nextOf(each)));
  }

  #beginAll(because: string, now: Millis): void {
    this.#announcements.forEach((_, share) => this.#begin(share, because, now));
  }

  #begin(share: number, because: string, now: Millis): void {
    const before = this.#announcements[share];
    // undefined: an interface that is no share
    if (before === undefined || before !== null && now - before.since < sameCauseMs) return;
    this.#announcements[share] = { since: now, because, made: 0 };
  }
}

function nextOf({ since, made }: Announcement): Millis {
  return made < repeatsMs.length ? since + repeatsMs[made] : Infinity;
}
