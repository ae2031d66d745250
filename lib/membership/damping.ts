/**
 * Flap damping: a node that fails again and again gets no buckets until it has been steady for a while.
 * Each of its returns moves connections to it, and each of its failures breaks some.
 *
 * Each failure adds 1 to a node's penalty, which halves in a half-life. Above 2 (the third failure within
 * about one half-life) the node is damped, below 0.75 it is so no more; the penalty is 6 at most, which
 * takes three half-lives. (As RFC 2439 damps routes.) It goes by the node's name: a start that fails
 * and comes back is another one.
 */
import type { CoreEvent } from "../node_types.ts";
import type { Millis } from "../ports.ts";

const dampedAbove = 2;
const freeBelow = 0.75;
const penaltyMax = 6;

/** The half-life by default, in ms. */
export function flapHalfLifeMs(detectionMs: number): number {
  return Math.max(30_000, 10 * detectionMs);
}

interface Record {
  readonly penalty: number;
  /** When it was as high. */
  readonly at: Millis;
  readonly isDamped: boolean;
}

export class Damping {
  readonly #records = new Map<string, Record>();

  /** `halfLifeMs` 0: nobody is damped. */
  constructor(readonly halfLifeMs: number) {}

  /** A node has failed; what is news. */
  failed(name: string, now: Millis): CoreEvent[] {
    if (this.halfLifeMs === 0) return [];
    const before = this.#records.get(name);
    const penalty = Math.min(penaltyMax, this.#penalty(before, now) + 1);
    const isDamped = before?.isDamped === true || penalty > dampedAbove;
    this.#records.set(name, { penalty, at: now, isDamped });
    if (!isDamped || before?.isDamped === true) return [];
    const seconds = Math.ceil(this.leftMs(name, now) / 1000);
    const text = `${name} fails again and again: it gets no buckets for ${seconds} s`;
    return [{ level: "warning", name: "flapping", text, fields: { node: name, seconds } }];
  }

  /** Time has passed; who gets buckets again. */
  look(now: Millis): CoreEvent[] {
    return [...this.#records].flatMap(([name, record]) => {
      if (now < this.#freeAt(record)) return [];
      this.#records.delete(name);
      if (!record.isDamped) return [];
      const text = `${name} has been steady: it gets buckets again`;
      return [{ level: "info", name: "steady", text, fields: { node: name } } as const];
    });
  }

  isDamped(name: string): boolean {
    return this.#records.get(name)?.isDamped ?? false;
  }

  /** How long a node will get no buckets, if it does not fail again; 0: it gets some. */
  leftMs(name: string, now: Millis): number {
    const record = this.#records.get(name);
    return record?.isDamped ? Math.max(0, this.#freeAt(record) - now) : 0;
  }

  /** When `look` may find something; Infinity: never. */
  get nextAt(): Millis {
    return Math.min(...[...this.#records.values()].map((record) => this.#freeAt(record)));
  }

  #penalty(record: Record | undefined, now: Millis): number {
    return record === undefined ? 0 : record.penalty * 2 ** ((record.at - now) / this.halfLifeMs);
  }

  #freeAt({ penalty, at }: Record): Millis {
    return at + this.halfLifeMs * Math.log2(Math.max(1, penalty / freeBelow));
  }
}
