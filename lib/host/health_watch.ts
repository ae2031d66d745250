/** Looks after what this node's part in the cluster depends on besides its links: checks, firewall. */
import type { Config } from "../config.ts";
import type { CheckStatus } from "../control.ts";
import type { Log } from "../log.ts";
import type { HealthInput } from "../node_types.ts";
import type { Millis } from "../ports.ts";
import { CheckRunner } from "./checks/runner.ts";
import { watchRuleset } from "./ruleset_watch.ts";

export class HealthWatch {
  #checks: CheckRunner;
  readonly #tell: (input: HealthInput) => void;
  #watchesRuleset: boolean;
  readonly #log: Log;
  /** Ends what runs now, so that something else may follow. */
  #changing = new AbortController();

  /** `tell`: what the core has to know. */
  constructor({ checks, cluster }: Config, tell: (input: HealthInput) => void, log: Log) {
    this.#tell = tell;
    this.#log = log;
    this.#watchesRuleset = cluster.ruleset;
    this.#checks = this.#runnerOf(checks, null);
  }

  /** Until the signal comes. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const change = this.#changing.signal;
      const end = AbortSignal.any([signal, change]);
      await Promise.all([this.#checks.run(end), this.#watchRuleset(end), aborted(end)]);
    }
  }

  /** Looks after something else from now on. Checks that keep their names keep their verdicts. */
  use({ checks, cluster }: Config): void {
    if (this.#watchesRuleset && !cluster.ruleset) this.#tell({ kind: "ruleset", digest: null });
    this.#watchesRuleset = cluster.ruleset;
    this.#checks = this.#runnerOf(checks, this.#checks);
    const ending = this.#changing;
    this.#changing = new AbortController();
    ending.abort();
  }

  #runnerOf(checks: Config["checks"], former: CheckRunner | null): CheckRunner {
    return new CheckRunner(checks, {
      verdict: (verdict) => this.#tell({ kind: "health", verdict }),
      changed: (check) => this.#logCheck(check),
    }, { former });
  }

  /** The checks at a time. */
  status(at: Millis): CheckStatus[] {
    return this.#checks.status(at);
  }

  #logCheck({ name, ok, lastError }: CheckStatus): void {
    if (ok) this.#log.info(`check ${name} passes`, { event: "check-passed", check: name });
    else {this.#log.warn(`check ${name} fails: ${lastError}`, {
        event: "check-failed",
        check: name,
      });}
  }

  async #watchRuleset(signal: AbortSignal): Promise<void> {
    if (!this.#watchesRuleset) return;
    await watchRuleset({
      digest: (digest) => this.#tell({ kind: "ruleset", digest }),
      failed: (problem) =>
        this.#log.warn(`the ruleset is not compared: ${problem}`, { event: "ruleset" }),
    }, signal);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
}
