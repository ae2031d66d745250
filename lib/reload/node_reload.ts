/**
 * Reloads the configuration of one node: reads its file anew, says what differs from what runs and what
 * each difference takes, and puts all of it into use, or nothing.
 *
 * Intuition: everything that may fail is done before anything is changed. Alone (`apply`) the change
 * follows at once; together with the other nodes (`stage`, then `commit`) it waits for their word, and
 * then for the plan from which on it counts on all of them. Only the core knows when that plan came, so
 * the core's word decides whether something is in use.
 */
import type { Config } from "../config.ts";
import type {
  ReloadReport,
  ReloadRequest,
  StagedReport,
  StageOutcome,
  ToAgree,
} from "../control_reload.ts";
import { AvailError, ConfigError, type Fault } from "../errors.ts";
import type { LogFields } from "../log.ts";
import { differences } from "../membership/agreement.ts";
import type { Millis } from "../ports.ts";
import { checkOf } from "../wire/keys.ts";
import { type Change, changesBetween, type Settled, wordsOf } from "./changes.ts";
import type { CoreSettings, SettingsEffect, SettingsInput } from "./settings.ts";

/** What the files say now, wholly checked. */
export interface Loaded extends Settled {
  readonly warnings: readonly Fault[];
}

/** Another live node. */
export interface OtherAgreed extends ToAgree {
  readonly name: string;
}

export interface NodeReloadPorts {
  /** Reads configuration and keys; throws `ConfigError` with every fault, or `AvailError`. */
  read(): Promise<Loaded>;
  /** What runs: the configuration that was used last, and the keys. */
  present(): Settled;
  /** What on this machine is in the way of a change, a sentence each; it changes nothing. */
  obstacles(next: Loaded, changes: readonly Change[]): Promise<readonly string[]>;
  /** Where its replication can be reached then; null: where it is now. */
  addresses(next: Loaded, changes: readonly Change[]): readonly Uint8Array[] | null;
  /** What must agree with the others. */
  agreed(settled: Settled): ToAgree;
  core(input: SettingsInput): void;
  /** The other ready nodes. Everything that the core was told before has been done by then. */
  others(): Promise<readonly OtherAgreed[]>;
  /** Nodes that were live and are not. */
  away(): Promise<readonly string[]>;
  /** Uses what the core does not look after; what went wrong, a sentence each. */
  use(next: Loaded, changes: readonly Change[]): Promise<readonly string[]>;
  /** The command that restarts this node; null: none is known. */
  restart(): string | null;
  log(level: "info" | "warn" | "error", message: string, fields: LogFields): void;
  now(): Millis;
  after(ms: number, run: () => void): void;
}

interface Staged {
  readonly id: string;
  readonly next: Loaded;
  readonly changes: readonly Change[];
  state: "staged" | "committed" | "applied";
  until: Millis;
  /** While it is put into use, and what went wrong then. */
  use: Promise<readonly string[]>;
}

type StageRequest = Extract<ReloadRequest, { readonly id: string }>;

export class NodeReload {
  #staged: Staged | null = null;
  #applied = 0;
  /** Reloads wait for each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly node: string, readonly ports: NodeReloadPorts) {}

  async answer(request: ReloadRequest): Promise<ReloadReport | StageOutcome | null> {
    switch (request.do) {
      case "check":
        return await this.#inTurn(async () => (await this.#examine("alone")).report);
      case "apply":
        return await this.#inTurn(() => this.#apply());
      case "plan":
        this.ports.core({ kind: "replan", epoch: request.epoch, withinMs: request.withinMs });
        return null;
      case "stage":
        return await this.#inTurn(() => this.#stage(request));
      case "commit":
        return await this.#inTurn(() => this.#commit(request));
      case "cancel":
        return await this.#inTurn(() => this.#cancel(request));
      case "outcome":
        return await this.#outcome(request.id);
    }
  }

  /** The core uses what was staged. */
  configured({ id, epoch }: SettingsEffect): void {
    const staged = this.#staged;
    if (staged === null || staged.id !== id || staged.state === "applied") return;
    staged.state = "applied";
    staged.use = this.#use(staged.next, staged.changes, { epoch });
  }

  // ---- alone

  async #apply(): Promise<ReloadReport> {
    const { next, report } = await this.#examine("alone");
    if (next === null || report.outcome !== "possible") {
      this.#logRefusal(report);
      return report;
    }
    this.ports.core({
      kind: "configure",
      id: `apply ${++this.#applied}`,
      settings: this.#coreSettings(next, report.changes),
    });
    const problems = await this.#use(next, report.changes, {});
    return { ...report, outcome: "applied", why: problems };
  }

  /** What the file says, what is different, and whether that could be used. */
  async #examine(
    how: "alone" | "together",
  ): Promise<{ readonly next: Loaded | null; readonly report: ReloadReport }> {
    const { ports } = this;
    const present = ports.present();
    const report = {
      schema: 1,
      node: this.node,
      file: present.config.file,
      changes: [],
      faults: [],
      warnings: [],
      why: [],
      restart: ports.restart(),
    } as const;
    const next = await this.#read(present.config);
    if ("faults" in next) {
      return { next: null, report: { ...report, outcome: "refused", faults: next.faults } };
    }
    const { warnings } = next;
    const changes = changesBetween(present, next);
    const why = this.#whyBusy();
    if (why.length === 0) {
      why.push(...changes.filter(({ takes }) => takes === "restart").map(needsRestart));
      if (how === "alone") why.push(...await this.#whyNotAlone(next, changes));
    }
    if (why.length === 0) why.push(...await ports.obstacles(next, changes));
    const outcome = why.length > 0 ? "refused" : changes.length > 0 ? "possible" : "unchanged";
    return { next, report: { ...report, outcome, changes, warnings, why } };
  }

  async #read(present: Config): Promise<Loaded | { readonly faults: readonly Fault[] }> {
    try {
      return await this.ports.read();
    } catch (error) {
      if (error instanceof ConfigError) return { faults: error.faults };
      if (!(error instanceof AvailError)) throw error;
      const [problem, ...remedy] = error.message.replace(`${present.file}: `, "").split("; ");
      const fault = { file: present.file, line: 0, where: "file", problem };
      return { faults: [{ ...fault, remedy: remedy.join("; ") || "correct it" }] };
    }
  }

  #whyBusy(): string[] {
    const staged = this.#staged;
    const isUnderWay = staged !== null && staged.state === "committed" &&
      this.ports.now() < staged.until;
    return isUnderWay ? ["a reload of all nodes is under way; wait until it is over"] : [];
  }

  /**
   * What must be equal on all nodes changes on one alone only where it becomes equal by that: the
   * others have it already, or there are none.
   */
  async #whyNotAlone(next: Loaded, changes: readonly Change[]): Promise<string[]> {
    const together = changes.filter(({ takes }) => takes === "together");
    if (together.length === 0) return [];
    const agreed = this.ports.agreed(next);
    const others = await this.ports.others();
    const same = others.filter((other) => differences(agreed, other).length === 0);
    if (2 * same.length > others.length || others.length === 0) return [];
    return together.map(({ key }) =>
      `${key} must be equal on all nodes: write it into the file of each, ` +
      "then change all at once: avail reload --cluster"
    );
  }

  // ---- together

  async #stage({ id, withinMs }: Extract<StageRequest, { do: "stage" }>): Promise<StagedReport> {
    const { ports } = this;
    const { next, report } = await this.#examine("together");
    const present = ports.present();
    if (next !== null && report.outcome !== "refused") {
      const { changes } = report;
      const until = ports.now() + withinMs;
      const use = Promise.resolve([]);
      this.#staged = { id, next, changes, state: "staged", until, use };
      this.#expireAfter(withinMs, id);
    }
    const checks = (settled: Settled) => settled.keys.keys.map(checkOf);
    return {
      ...report,
      agreed: ports.agreed(next ?? present),
      keys: { now: checks(present), then: checks(next ?? present) },
      away: await ports.away(),
    };
  }

  async #commit(
    { id, epoch, withinMs }: Extract<StageRequest, { do: "commit" }>,
  ): Promise<StageOutcome> {
    const staged = this.#staged;
    if (staged?.id !== id || staged.state !== "staged" || this.ports.now() >= staged.until) {
      return await this.#outcome(id);
    }
    const settings = this.#coreSettings(staged.next, staged.changes);
    if (epoch === null) {
      this.ports.core({ kind: "configure", id, settings });
      staged.state = "applied";
      staged.use = this.#use(staged.next, staged.changes, {});
    } else {
      staged.state = "committed";
      staged.until = this.ports.now() + withinMs;
      this.#expireAfter(withinMs, id);
      this.ports.core({ kind: "stage", id, epoch, withinMs, settings });
      await this.ports.others(); // whether that plan is in force already is known by now
    }
    return await this.#outcome(id);
  }

  async #cancel({ id }: Extract<StageRequest, { do: "cancel" }>): Promise<StageOutcome> {
    await this.#drop(id);
    return await this.#outcome(id);
  }

  /** Forgets what is staged, unless it has come into use meanwhile; whether it did forget. */
  async #drop(id: string): Promise<boolean> {
    const staged = this.#staged;
    if (staged?.id !== id || staged.state === "applied") return false;
    if (staged.state === "committed") {
      this.ports.core({ kind: "unstage", id });
      await this.ports.others(); // `configured` would have come by now
      if (this.#stateOf(staged) === "applied") return false;
    }
    if (this.#staged === staged) this.#staged = null;
    return true;
  }

  /** Read anew: it changes while somebody waits. */
  #stateOf(staged: Staged): Staged["state"] {
    return staged.state;
  }

  async #outcome(id: string): Promise<StageOutcome> {
    const staged = this.#staged;
    if (staged?.id !== id) return { node: this.node, state: "none" };
    const problems = await staged.use;
    const { state } = staged;
    return {
      node: this.node,
      state: state !== "applied" && this.ports.now() >= staged.until ? "none" : state,
      ...(problems.length === 0 ? {} : { problem: problems.join("; ") }),
    };
  }

  #expireAfter(ms: number, id: string): void {
    this.ports.after(ms + 1, () => {
      const staged = this.#staged;
      if (staged?.id !== id || staged.state === "applied") return;
      if (this.ports.now() < staged.until) return; // it was committed since, and has another term
      void this.#inTurn(() => this.#drop(id)).then((isDropped) => {
        if (!isDropped) return;
        this.ports.log("warn", "a reload of all nodes was not finished: nothing was changed", {
          event: "reload-expired",
        });
      });
    });
  }

  // ---- use

  #coreSettings(next: Loaded, changes: readonly Change[]): CoreSettings {
    const { config } = next;
    const { configDigest, topics } = this.ports.agreed(next);
    const addresses = this.ports.addresses(next, changes);
    const has = (wanted: string) => changes.some(({ key }) => key === wanted);
    const { flapHalfLifeMs } = config.detection;
    return {
      weight: has("node.weight") ? config.node.weight : null,
      ...(has("detection.damping") ? { flapHalfLifeMs } : {}),
      drainTimeoutMs: config.node.drainTimeoutMs,
      backups: config.replication.backups,
      configDigest,
      topics,
      ...(addresses === null ? {} : { addresses }),
    };
  }

  async #use(
    next: Loaded,
    changes: readonly Change[],
    fields: LogFields,
  ): Promise<readonly string[]> {
    for (const { key, old, new: value } of changes) {
      this.ports.log("info", `${key} is ${wordsOf(value)} now`, {
        event: "reloaded",
        key,
        was: wordsOf(old),
        ...fields,
      });
    }
    const problems = await this.#useRest(next, changes);
    for (const problem of problems) this.ports.log("error", problem, { event: "reload-problem" });
    return problems;
  }

  /** Whatever goes wrong here, the daemon goes on with the rest of it. */
  async #useRest(next: Loaded, changes: readonly Change[]): Promise<readonly string[]> {
    try {
      return await this.ports.use(next, changes);
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  }

  #logRefusal({ outcome, faults, why, file }: ReloadReport): void {
    const { log } = this.ports;
    if (outcome === "unchanged") log("info", `${file} says what runs`, { event: "reloaded" });
    if (outcome !== "refused") return;
    const reasons = [
      ...faults.map((fault) => `${fault.where}: ${fault.problem}; ${fault.remedy}`),
      ...why,
    ];
    for (const reason of reasons) {
      log("error", `nothing was reloaded: ${reason}`, { event: "reload-refused" });
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

function needsRestart({ key, why }: Change): string {
  return `${key} needs a restart${why === undefined ? "" : `: ${why}`}`;
}
