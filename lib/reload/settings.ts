/**
 * What of its configuration the core changes while it runs, and when: at once, or with a plan.
 *
 * Intuition: what must be equal on all nodes cannot change on each for itself, or they would differ for
 * a while. So every node is first given the new settings and the epoch from which they count (staged);
 * then the planner makes a plan of that epoch. All nodes get to know plans anyway, each acts on one
 * from a moment of its own that is seen in its heartbeats, and the settings go with it.
 *
 * The epoch is chosen so high that no other plan comes upon it before its time. If one does all the
 * same, it is as good as the planned one for whoever has been staged by then; the rest are told to
 * follow at once, since the epoch has come.
 */
import type { Millis } from "../ports.ts";

/** What a reload may change in the core. */
export interface CoreSettings {
  /** null: as it is; `avail weight` may have set it. */
  readonly weight: number | null;
  readonly drainTimeoutMs: number;
  readonly backups: number | "all";
  /** As of `NodeOptions`. */
  readonly configDigest: string;
  readonly topics: readonly string[];
  /** As of `NodeOptions`; left out: as it is. Another one forgets what has failed so far. */
  readonly flapHalfLifeMs?: number;
  /** Where this node's replication can be reached, best first: 4 or 16 bytes each. Left out: as it is. */
  readonly addresses?: readonly Uint8Array[];
}

export type SettingsInput =
  /** From now on. */
  | { readonly kind: "configure"; readonly id: string; readonly settings: CoreSettings }
  /**
   * From the first plan on that has this epoch or a later one; forgotten after `withinMs`. Where such
   * a plan is in force already: from now on. Replaces what was staged before.
   */
  | {
    readonly kind: "stage";
    readonly id: string;
    readonly epoch: number;
    readonly withinMs: number;
    readonly settings: CoreSettings;
  }
  | { readonly kind: "unstage"; readonly id: string }
  /** If this node plans, it makes a plan of at least this epoch; forgotten after `withinMs`. */
  | { readonly kind: "replan"; readonly epoch: number; readonly withinMs: number };

/** Settings are in use. */
export interface SettingsEffect {
  readonly kind: "configured";
  readonly id: string;
  /** Of the plan in force. */
  readonly epoch: number;
}

/** What the planner has to know of them. */
export interface PlanTerms {
  readonly backups: number | "all";
  /** A plan of a lower epoch does not serve. */
  readonly epochMin: number;
}

/** Those that are asked for here; the rest is told to whom it concerns. */
type AgreedSettings = Pick<CoreSettings, "backups" | "configDigest">;

interface Staged {
  readonly id: string;
  readonly settings: CoreSettings;
}

export class Settings {
  #present: AgreedSettings;
  #staged: Staged & { readonly epoch: number; readonly until: Millis } | null = null;
  #wanted: { readonly epoch: number; readonly until: Millis } | null = null;

  constructor(present: AgreedSettings) {
    this.#present = present;
  }

  get present(): AgreedSettings {
    return this.#present;
  }

  /** `epoch`: of the plan in force. What is in use from now on; null: nothing new is. */
  take(input: SettingsInput, epoch: number, now: Millis): Staged | null {
    switch (input.kind) {
      case "configure":
        return this.#use(input);
      case "stage":
        this.#staged = { ...input, until: now + input.withinMs };
        return this.adopted(epoch, now);
      case "unstage":
        if (this.#staged?.id === input.id) {
          this.#staged = null;
          this.#wanted = null;
        }
        return null;
      case "replan":
        this.#wanted = { epoch: input.epoch, until: now + input.withinMs };
        return null;
    }
  }

  /** A plan is in force. What is in use with it; null: nothing new is. */
  adopted(epoch: number, now: Millis): Staged | null {
    const staged = this.#staged;
    if (staged === null || epoch < staged.epoch) return null;
    this.#staged = null;
    return now < staged.until ? this.#use(staged) : null;
  }

  /** Of the next plan, if this node makes it now. */
  planTerms(now: Millis): PlanTerms {
    const wanted = this.#wanted, staged = this.#staged;
    if (wanted === null || now >= wanted.until) {
      return { backups: this.#present.backups, epochMin: 0 };
    }
    const counts = staged !== null && staged.epoch <= wanted.epoch && now < staged.until;
    const { backups } = counts ? staged.settings : this.#present;
    return { backups, epochMin: wanted.epoch };
  }

  #use({ id, settings }: Staged): Staged {
    const { backups, configDigest } = settings;
    this.#present = { backups, configDigest };
    return { id, settings };
  }
}
