/**
 * Reloads all live nodes together: each reads its own file; only if all can, all do.
 *
 * 1. Every node **stages** what its file says, and tells what differs, what must agree, and whether it
 *    can. Whoever cannot, or does not answer, ends it: nothing is changed anywhere.
 * 2. Every node is **committed**: it takes the new settings with the plan of an epoch that no other plan
 *    reaches meanwhile. Whoever dies or is silent here ends it, too, and all are told to forget it.
 *    (What need not agree waits for no plan: it is put into use at once.)
 * 3. The **planner** makes that plan. From here on there is no way back, and none is needed: plans
 *    reach all that live. Who did not follow is named; it differs then, and is given no buckets.
 *
 * Whatever breaks off in between, a node that hears no more of it forgets what it has staged.
 */
import type {
  ClusterReport,
  NodeOutcome,
  ReloadRequest,
  StagedReport,
  StageOutcome,
} from "../control_reload.ts";
import { AvailError } from "../errors.ts";
import type { NodeState } from "../control.ts";
import type { Millis } from "../ports.ts";
import { objections } from "./judge.ts";

/** The cluster as this node sees it. */
export interface ClusterView {
  readonly self: string;
  /** Live nodes, this one included. */
  readonly members: readonly {
    readonly name: string;
    readonly incarnation: string;
    readonly state: NodeState;
  }[];
  /** Of the plan in force. */
  readonly epoch: number;
  readonly planner: string | null;
}

export interface ClusterReloadPorts {
  look(): Promise<ClusterView>;
  /** Has a node, also this one, do it; throws `AvailError` with its words. */
  ask(node: string, request: ReloadRequest): Promise<unknown>;
  pause(ms: number): Promise<void>;
  now(): Millis;
}

export interface ClusterReloadOptions {
  /** 16 hexadecimal digits that no other reload has. */
  readonly id: string;
  readonly detectionMs: number;
  readonly dryRun: boolean;
}

/** An answer of another node takes so long at most (forwarding/asking.ts). */
const askMs = 5000;
/** The planner waits for a view that has lasted, and for its lease. */
const planMs = 3000;
const lookEveryMs = 50;
/** How long those that live are given to show the plan. */
const followMs = 5000;

/** Throws `AvailError` where this node's own daemon cannot even be asked. */
export async function reloadCluster(
  ports: ClusterReloadPorts,
  options: ClusterReloadOptions,
): Promise<ClusterReport> {
  return await new ClusterReload(ports, options).run();
}

class ClusterReload {
  readonly #reports = new Map<string, StagedReport>();
  readonly #why = new Map<string, string[]>();
  #names: readonly string[] = [];

  constructor(readonly ports: ClusterReloadPorts, readonly options: ClusterReloadOptions) {}

  async run(): Promise<ClusterReport> {
    const before = await this.ports.look();
    const others = before.members.filter(({ name }) => name !== before.self);
    this.#names = [before.self, ...others.map(({ name }) => name)];
    for (const { name, state } of before.members) {
      if (state !== "ready" && state !== "draining") {
        this.#object(name, `it is ${state}; wait until all are ready: avail status`);
      }
    }
    if (this.#why.size > 0) return this.#report("refused");
    await this.#stage();
    const differs = this.#whoHasChanged(before, await this.ports.look());
    const reports = [...this.#reports.values()];
    for (const [node, why] of objections(reports)) this.#object(node, ...why);
    if (this.#why.size > 0 || differs.length > 0) return await this.#giveUp(differs);
    if (reports.every(({ changes }) => changes.length === 0)) {
      await this.#everybody({ do: "cancel" });
      return this.#report("unchanged");
    }
    if (this.options.dryRun) {
      await this.#everybody({ do: "cancel" });
      return this.#report("possible");
    }
    const mustAgree = reports.some(({ changes }) =>
      changes.some(({ takes }) => takes === "together")
    );
    return mustAgree ? await this.#withPlan(before.epoch) : await this.#atOnce();
  }

  async #stage(): Promise<void> {
    const withinMs = 4 * askMs + 2 * this.options.detectionMs;
    const answers = await this.#everybody<StagedReport>({ do: "stage", withinMs });
    for (const [node, answer] of answers) {
      if ("error" in answer) this.#object(node, isTooOld(answer.error) ? tooOld : answer.error);
      else this.#reports.set(node, answer);
    }
  }

  /** What need not agree: each for itself, as soon as it is told. */
  async #atOnce(): Promise<ClusterReport> {
    const answers = await this.#everybody<StageOutcome>({
      do: "commit",
      epoch: null,
      withinMs: askMs,
    });
    return this.#told(answers, null);
  }

  /** With a plan that no other one forestalls. */
  async #withPlan(presentEpoch: number): Promise<ClusterReport> {
    const { detectionMs } = this.options;
    const windowMs = planMs + 2 * askMs + 3 * detectionMs;
    // Plans are a detection time apart at least.
    const epoch = presentEpoch + Math.ceil(2 * windowMs / detectionMs) + 2;
    const answers = await this.#everybody<StageOutcome>({
      do: "commit",
      epoch,
      withinMs: 3 * windowMs,
    });
    const isUnderWay = [...answers.values()].some((answer) =>
      !("error" in answer) && answer.state === "applied"
    );
    const missing = [...answers].filter(([, answer]) =>
      "error" in answer || answer.state === "none" || answer.state === "staged"
    );
    if (missing.length > 0 && !isUnderWay) {
      for (const [node, answer] of missing) this.#object(node, failureOf(answer));
      return await this.#takeBack(epoch, []);
    }
    const isMade = isUnderWay || await this.#makePlan(epoch, windowMs);
    if (!isMade) {
      return await this.#takeBack(epoch, [
        "no plan was made in time: the planner is busy, gone, or finds nobody who may own buckets; " +
        "see avail status",
      ]);
    }
    return this.#told(await this.#follow(answers), epoch);
  }

  /** Until a plan of this epoch is in force here; false: not in time. */
  async #makePlan(epoch: number, windowMs: number): Promise<boolean> {
    const until = this.ports.now() + windowMs;
    let asked: string | null = null;
    for (;;) {
      const view = await this.ports.look();
      if (view.epoch >= epoch) return true;
      // What is asked last is heard so much later at most, and must be over by then.
      const withinMs = Math.floor(until - this.ports.now() - askMs);
      if (this.ports.now() >= until) return false;
      if (view.planner !== null && view.planner !== asked && withinMs > 0) {
        asked = view.planner;
        const request = { command: "reload", do: "plan", epoch, withinMs } as const;
        // Whether it was asked in vain is seen from the epoch.
        await this.ports.ask(asked, request).catch(onlyAvailErrors);
      }
      await this.ports.pause(lookEveryMs);
    }
  }

  /** Asks again until all have followed, are gone, or have had time enough. */
  async #follow(answers: Answers<StageOutcome>): Promise<Answers<StageOutcome>> {
    const until = this.ports.now() + followMs + 2 * this.options.detectionMs;
    let latest = answers;
    for (;;) {
      const waiting = [...latest].filter(([, answer]) =>
        !("error" in answer) && answer.state === "committed"
      ).map(([node]) => node);
      if (waiting.length === 0 || this.ports.now() >= until) return latest;
      await this.ports.pause(lookEveryMs);
      const asked = await this.#everybody<StageOutcome>({ do: "outcome" }, waiting);
      latest = new Map([...latest, ...asked]);
    }
  }

  /** Nobody has begun: all forget it, and keep what they have. */
  async #giveUp(why: readonly string[]): Promise<ClusterReport> {
    await this.#everybody({ do: "cancel" });
    return this.#report("refused", why);
  }

  /**
   * Committed nodes forget it. Where the plan came all the same, before one of them could, there is no
   * way back: what became of each is told.
   */
  async #takeBack(epoch: number, why: readonly string[]): Promise<ClusterReport> {
    const answers = await this.#everybody<StageOutcome>({ do: "cancel" });
    const isApplied = [...answers.values()].some((answer) =>
      !("error" in answer) && answer.state === "applied"
    );
    return isApplied ? this.#told(answers, epoch) : this.#report("refused", why);
  }

  /** Nodes that came, went or were restarted since all were asked. */
  #whoHasChanged(before: ClusterView, after: ClusterView): string[] {
    const starts = (view: ClusterView) =>
      new Map(view.members.map(({ incarnation, name }) => [incarnation, name]));
    const [old, now] = [starts(before), starts(after)];
    const gone = [...old].filter(([start]) => !now.has(start)).map(([, name]) => name);
    const come = [...now].filter(([start]) => !old.has(start)).map(([, name]) => name);
    for (const name of gone) this.#object(name, "it is gone (dead, left or restarted)");
    return come.map((name) => `${name} has come meanwhile; begin anew`);
  }

  /** Asks these nodes, or all, at the same time. */
  async #everybody<T>(
    request: RequestBody,
    nodes: readonly string[] = this.#names,
  ): Promise<Answers<T>> {
    const { id } = this.options;
    const whole = { command: "reload", id, ...request } as const;
    const ask = async (node: string): Promise<T | { readonly error: string }> => {
      try {
        return await this.ports.ask(node, whole) as T;
      } catch (error) {
        onlyAvailErrors(error);
        return { error: (error as Error).message };
      }
    };
    const answers = await Promise.all(nodes.map(ask));
    return new Map(nodes.map((node, i) => [node, answers[i]]));
  }

  #object(node: string, ...why: readonly string[]): void {
    this.#why.set(node, [...new Set([...this.#why.get(node) ?? [], ...why])]);
  }

  // ---- the end

  /** After nodes were told to go on. */
  #told(answers: Answers<StageOutcome>, epoch: number | null): ClusterReport {
    let isWhole = true;
    const nodes = this.#names.map((node): NodeOutcome => {
      const answer = answers.get(node) ?? { error: "it was not asked" };
      const isApplied = !("error" in answer) && answer.state === "applied";
      if (!isApplied) {
        isWhole = false;
        return { ...this.#partOf(node), outcome: "lost", why: [failureOf(answer)] };
      }
      const part = this.#partOf(node);
      const why = answer.problem === undefined ? [] : [answer.problem];
      if (why.length > 0) isWhole = false;
      return { ...part, outcome: part.changes.length > 0 ? "applied" : "unchanged", why };
    });
    const outcome = isWhole ? "applied" : "partly";
    return { schema: 1, outcome, epoch, why: [], nodes, away: this.#away() };
  }

  /** Where nobody was told to go on. */
  #report(
    outcome: "refused" | "unchanged" | "possible",
    why: readonly string[] = [],
  ): ClusterReport {
    const nodes = this.#names.map((node): NodeOutcome => {
      const part = this.#partOf(node);
      const objection = this.#why.get(node);
      if (objection !== undefined) return { ...part, outcome: "refused", why: objection };
      if (outcome === "refused") return { ...part, outcome: "kept", why: [] };
      return { ...part, outcome: part.changes.length > 0 ? outcome : "unchanged", why: [] };
    });
    return { schema: 1, outcome, epoch: null, why, nodes, away: this.#away() };
  }

  #partOf(node: string): Pick<NodeOutcome, "node" | "changes" | "faults" | "restart"> {
    const { changes = [], faults = [], restart = null } = this.#reports.get(node) ?? {};
    return { node, changes, faults, restart };
  }

  #away(): string[] {
    const away = [...this.#reports.values()].flatMap((report) => report.away);
    return [...new Set(away)].filter((name) => !this.#names.includes(name)).sort();
  }
}

type Answers<T> = ReadonlyMap<string, T | { readonly error: string }>;

/** What of a request is not the same for all: its id. */
type RequestBody =
  | { readonly do: "stage"; readonly withinMs: number }
  | { readonly do: "commit"; readonly epoch: number | null; readonly withinMs: number }
  | { readonly do: "cancel" | "outcome" };

function failureOf(answer: StageOutcome | { readonly error: string }): string {
  if ("error" in answer) return answer.error;
  switch (answer.state) {
    case "none":
      return "it has forgotten what was staged: another reload came between, or it was too late";
    case "committed":
      return "it does not show the plan yet; see avail status";
    default:
      return answer.problem ?? "it has not followed";
  }
}

const tooOld = "its program is older and cannot be asked; upgrade it first";

/** The words of a daemon that does not know the request (lib/control_request.ts). */
function isTooOld(error: string): boolean {
  return error.includes('unknown command "reload"');
}

function onlyAvailErrors(error: unknown): void {
  if (!(error instanceof AvailError)) throw error;
}
