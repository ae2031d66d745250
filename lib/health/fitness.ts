/**
 * What a node says of its own fitness: the verdict of its checks, what of it must agree with the
 * others, and the version of the protocol that it speaks.
 */
import { untold } from "../membership/agreement.ts";
import type { CoreEvent, HealthInput } from "../node_types.ts";
import type { Millis } from "../ports.ts";
import type { Heartbeat } from "../wire/heartbeat.ts";
import { type HeartbeatTail, tailOfVersion1 } from "../wire/heartbeat_tail.ts";
import {
  describeVersions,
  protocolOldest,
  protocolVersion,
  type Speaker,
  understandEachOther,
  versionInUse,
} from "../wire/protocol_version.ts";
import { healthy, type Verdict } from "./verdict.ts";

export interface FitnessOptions {
  /** Speak an earlier version of the protocol. */
  readonly version?: 1 | 2;
  /** 8 hexadecimal digits each, in the order of `topics` (membership/agreement.ts). */
  readonly topics?: readonly string[];
  /** The node has checks; their first verdict comes within this time. */
  readonly verdictMs?: number;
  /** Its datapath serves already: there is nothing to wait for. */
  readonly isServing: boolean;
  readonly shares: number;
}

/** The last topic is not known from the start. */
const rulesetTopic = 5;
/** What a weight is at least, on the wire: it travels in thousandths. */
const weightMin = 0.001;

export class Fitness {
  readonly speaker: Speaker;
  /** Until when a joining node waits for its first verdict. */
  readonly verdictUntil: Millis;
  readonly #shares: number;
  #verdict: Verdict;
  #topics: readonly string[];

  constructor(options: FitnessOptions, now: Millis) {
    const { version = protocolVersion, topics = [], verdictMs, isServing, shares } = options;
    this.speaker = { version, oldest: Math.min(version, protocolOldest) };
    this.verdictUntil = verdictMs === undefined || isServing ? -Infinity : now + verdictMs;
    this.#shares = shares;
    this.#topics = topics;
    // Who serves already goes on, until its checks have spoken.
    this.#verdict = verdictMs === undefined || isServing
      ? healthy
      : { pending: true, factor: 0, failing: [] };
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  /** What is news. */
  take(input: HealthInput): CoreEvent[] {
    if (input.kind === "health") return this.#takeVerdict(input.verdict);
    this.#takeRuleset(input.digest);
    return [];
  }

  /** What must agree is something else from now on; the ruleset is not among it. */
  agreeIn(topics: readonly string[]): void {
    const ruleset = this.#topics[rulesetTopic] ?? untold;
    this.#topics = topics.map((topic, i) => i === rulesetTopic ? ruleset : topic);
  }

  #takeVerdict(verdict: Verdict): CoreEvent[] {
    const before = this.#verdict;
    if (verdict.pending && !before.pending) return []; // that a serving node starts its checks
    this.#verdict = verdict;
    const { factor, failing } = verdict;
    if (verdict.pending) return [];
    if (!before.pending && factor === before.factor && failing.join() === before.failing.join()) {
      return [];
    }
    const fields = { factor, failing: failing.join(" ") };
    if (failing.length === 0) {
      return [{ level: "info", name: "healthy", text: "all checks pass", fields }];
    }
    const checks = `${failing.length === 1 ? "check" : "checks"} ${failing.join(", ")}`;
    const effect = factor === 0 ? "it may own no buckets" : `its weight counts ${factor} times`;
    const fail = failing.length === 1 ? "fails" : "fail";
    const text = `${checks} ${fail}: ${effect}`;
    return [{ level: "warning", name: "unhealthy", text, fields }];
  }

  #takeRuleset(digest: string | null): void {
    this.#topics = Array.from(
      { length: rulesetTopic + 1 },
      (_, i) => (i === rulesetTopic ? digest : this.#topics[i]) ?? untold,
    );
  }

  /** What a joining node still waits for; null: nothing. */
  waitsFor(now: Millis): string | null {
    return this.#verdict.pending && now < this.verdictUntil
      ? "waiting for the first results of its checks"
      : null;
  }

  /** This node's part of its heartbeat. `live`: the peers that count. */
  says(
    own: { readonly weight: number; readonly carriers: number },
    live: () => readonly { readonly heartbeat: Speaker }[],
  ): HeartbeatTail & Pick<Heartbeat, "weight" | "carriers"> {
    const { factor } = this.#verdict;
    const unfit = factor === 0;
    const weight = unfit ? own.weight : Math.max(weightMin, own.weight * factor);
    const tail = { ...this.speaker, unfit, topics: this.#topics };
    // Version 1 knows one way to say that a node may own no buckets: its shares have no carrier.
    const isUnderstood = !unfit || this.inUse(live().map(({ heartbeat }) => heartbeat)) > 1;
    const carriers = isUnderstood ? own.carriers : own.carriers & ~((1 << this.#shares) - 1);
    return { ...tail, weight: factor === 1 ? own.weight : weight, carriers };
  }

  /** The version that this node and these use. */
  inUse(others: readonly Speaker[]): number {
    return versionInUse(this.speaker.version, others);
  }

  /** What of a heartbeat this node understands: one of version 1 knows no tail. */
  understood(heartbeat: Heartbeat): Heartbeat {
    return this.speaker.version < 2 ? { ...heartbeat, ...tailOfVersion1 } : heartbeat;
  }

  /** Why this node and the sender do not understand each other; null: they do. */
  mismatch(heartbeat: Heartbeat): string | null {
    if (understandEachOther(this.speaker, heartbeat)) return null;
    return `${heartbeat.name} speaks ${describeVersions(heartbeat)} of the protocol, ` +
      `this node ${describeVersions(this.speaker)}`;
  }
}
