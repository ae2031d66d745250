/** Looks after what this node's part in the cluster depends on besides its links: checks, firewall. */
import type { Config } from "../config.ts";
import type { CheckStatus } from "../control.ts";
import type { Log } from "../log.ts";
import type { HealthInput } from "../node_types.ts";
import type { Millis } from "../ports.ts";
import { CheckRunner } from "./checks/runner.ts";
import { watchRuleset } from "./ruleset_watch.ts";

export class HealthWatch {
  readonly #checks: CheckRunner;
  readonly #tell: (input: HealthInput) => void;
  readonly #watchesRuleset: boolean;
  readonly #log: Log;

  /** `tell`: what the core has to know. */
  constructor({ checks, cluster }: Config, tell: (input: HealthInput) => void, log: Log) {
    this.#tell = tell;
    this.#log = log;
    this.#watchesRuleset = cluster.ruleset;
    this.#checks = new CheckRunner(checks, {
      verdict: (verdict) => tell({ kind: "health", verdict }),
      changed: (check) => this.#logCheck(check),
    });
  }

  /** Until the signal comes. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#checks.run(signal), this.#watchRuleset(signal)]);
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
      failed: (problem) => this.#log.warn(`the ruleset is not compared: ${problem}`),
    }, signal);
  }
}
