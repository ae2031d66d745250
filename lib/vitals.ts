/** What a daemon tells of its machine when another node's administrator looks for what is wrong. */

/** The result of the control command `vitals`; fields are added, never changed or removed. */
export interface Vitals {
  readonly schema: 1;
  readonly node: string;
  /** Of avail. */
  readonly version: string;
  /** Release of the kernel. */
  readonly kernel: string;
  /** This machine's time of day, in milliseconds since 1970. */
  readonly timeMs: number;
  /** The daemon's process. */
  readonly pid: number;
  /** How long it has been running. */
  readonly upMs: number;
  /** What the machine allowed its core: `real time`, `nice` or `normal`; null before it runs. */
  readonly scheduling: string | null;
  readonly late: Lateness;
  /** In the configuration's order. */
  readonly shares: readonly InterfaceVitals[];
  readonly links: readonly InterfaceVitals[];
  /** Where it waits for the others' streams. */
  readonly replication: { readonly addresses: readonly string[]; readonly port: number };
}

export interface InterfaceVitals {
  readonly interface: string;
  /** null: the interface is gone. */
  readonly mtu: number | null;
}

/** How often the core was run too late to be sure of the others' silence. */
export interface Lateness {
  readonly count: number;
  readonly longestMs: number;
  /** Since the last time; null: never. */
  readonly sinceMs: number | null;
}

/** Counts the core's reports of lateness. */
export class LateCounter {
  #count = 0;
  #longestMs = 0;
  #lastAt: number | null = null;

  note(lateMs: number, now: number): void {
    this.#count++;
    this.#longestMs = Math.max(this.#longestMs, lateMs);
    this.#lastAt = now;
  }

  read(now: number): Lateness {
    return {
      count: this.#count,
      longestMs: this.#longestMs,
      sinceMs: this.#lastAt === null ? null : Math.round(now - this.#lastAt),
    };
  }
}
