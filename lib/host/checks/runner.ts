/** Runs the checks of a configuration, each by its own clock, and tells when their verdict changes. */
import type { CheckConfig } from "../../config.ts";
import type { CheckStatus } from "../../control.ts";
import { type CheckResult, CheckState } from "../../health/check_state.ts";
import { isSameVerdict, type Verdict, verdictOf } from "../../health/verdict.ts";
import type { Millis } from "../../ports.ts";
import { now } from "../clock.ts";
import { deadline } from "./deadline.ts";
import { probe } from "./probe.ts";

export interface CheckEvents {
  /** What all of them say together, whenever that changes, and once at the start. */
  verdict(verdict: Verdict): void;
  /** One of them has changed. */
  changed(check: CheckStatus): void;
}

interface Check {
  readonly config: CheckConfig;
  readonly state: CheckState;
  /** Added while the node runs: until its first verdict it counts neither way. */
  readonly isNew: boolean;
}

/** How long the first verdict takes at most where everything works; undefined without checks. */
export function verdictMs(checks: readonly CheckConfig[]): number | undefined {
  const times = checks.map(({ intervalMs, rise, timeoutMs }) => intervalMs * rise + timeoutMs);
  return times.length === 0 ? undefined : Math.max(...times);
}

export class CheckRunner {
  readonly #checks: readonly Check[];
  readonly #events: CheckEvents;
  readonly #try: (config: CheckConfig, signal: AbortSignal) => Promise<CheckResult>;
  readonly #isFirst: boolean;
  #told: Verdict | null = null;

  /**
   * `former`: runs no more, and was this node's until now; checks of its names keep their verdicts.
   * `tryOnce` stands in for what a check does, in tests.
   */
  constructor(
    configs: readonly CheckConfig[],
    events: CheckEvents,
    { former = null, tryOnce = tryWithin }: {
      readonly former?: CheckRunner | null;
      readonly tryOnce?: (config: CheckConfig, signal: AbortSignal) => Promise<CheckResult>;
    } = {},
  ) {
    const known = former === null ? [] : former.#checks;
    this.#checks = configs.map((config) => {
      const same = known.find((check) => check.config.name === config.name) ?? null;
      const state = new CheckState(config, now(), same?.state ?? null);
      return { config, state, isNew: same === null ? former !== null : same.isNew };
    });
    this.#events = events;
    this.#try = tryOnce;
    this.#isFirst = former === null;
  }

  /** Until the signal comes. */
  async run(signal: AbortSignal): Promise<void> {
    // Those of before may have said something else.
    if (this.#checks.length > 0 || !this.#isFirst) this.#tell();
    await Promise.all(this.#checks.map((check) => this.#repeat(check, signal)));
  }

  status(at: Millis): CheckStatus[] {
    return this.#checks.map((check) => statusOf(check, at));
  }

  async #repeat(check: Check, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = now();
      const result = await this.#try(check.config, signal);
      if (signal.aborted) return;
      const hasChanged = check.state.take(result, now());
      if (hasChanged) this.#events.changed(statusOf(check, now()));
      this.#tell();
      await sleep(Math.max(0, check.config.intervalMs - (now() - began)), signal);
    }
  }

  #tell(): void {
    const counting = this.#checks.filter(({ isNew, state }) => !isNew || state.ok !== null);
    const verdict = verdictOf(counting.map(({ config: { name, weight }, state: { ok } }) => ({
      ...{ name, weight, ok },
    })));
    if (this.#told !== null && isSameVerdict(verdict, this.#told)) return;
    this.#told = verdict;
    this.#events.verdict(verdict);
  }
}

async function tryWithin(config: CheckConfig, signal: AbortSignal): Promise<CheckResult> {
  using limit = deadline(config.timeoutMs, signal);
  return await probe(config.probe, limit.signal);
}

function statusOf({ config, state }: Check, at: Millis): CheckStatus {
  return {
    name: config.name,
    ok: state.ok,
    sinceMs: Math.max(0, Math.round(at - state.since)),
    ...(state.lastError === null ? {} : { lastError: state.lastError }),
    weight: config.weight,
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
  });
}
