/** Changes to the core, each a mistake that the simulator must notice. */

/** What must always hold (docs/protocol.md), and what is said where it does not. */
export const signs = {
  "one handler": /both handle bucket/,
  "handled in time": /a gap of/,
  "state first": /cannot know to be there/,
  "innocents stay": /buckets moved that were not its own/,
  "even load": /loads .* are fair/,
  "whole in the end": /not whole after healing|plan follows plan|buckets without an owner/,
  "larger group prevails": /the smaller group prevails/,
  "bounded": /sent \d+ (heartbeats|plans) in|nodes came and went: \d+ bytes/,
};

/** A mistake in the program. */
export interface Mutation {
  readonly name: string;
  /** In lib/. */
  readonly file: string;
  /** Text that is there once. */
  readonly from: string;
  readonly to: string;
}

export interface CoreMutation extends Mutation {
  readonly breaks: keyof typeof signs;
  /** The first story that is played, where one that notices it comes late; default: 1. */
  readonly seed?: number;
  /** Random stories hit it too rarely, or do not look there: this test in tests/sim/ does. */
  readonly noticedBy?: "narrow_test.ts" | "one_way_test.ts" | "memory_test.ts";
}

export const mutations: readonly CoreMutation[] = [
  {
    name: "the lease is an interval too long",
    breaks: "one handler",
    file: "ownership/lease.ts",
    from: "const termMs = terms.detectionMs - terms.guardMs;",
    to: "const termMs = terms.detectionMs + terms.intervalMs;",
  },
  {
    name: "the lease does not depend on acknowledgements",
    breaks: "one handler",
    file: "ownership/lease.ts",
    from: "until = Math.min(until, peer.ackedSentAt + termMs);",
    to: "",
  },
  {
    name: "who misses a peer does not let it know",
    breaks: "one handler",
    file: "node.ts",
    from: "const isUrgent = this.#leaseRunsLow(now) || this.#missesSomebody(now);",
    to: "const isUrgent = this.#leaseRunsLow(now);",
    noticedBy: "narrow_test.ts",
  },
  {
    name: "clocks do not drift",
    breaks: "one handler",
    file: "ownership/lease.ts",
    from: "return Math.max(2, 2 * clockStepMs) + driftMax * detectionMs;",
    to: "return Math.max(2, 2 * clockStepMs);",
    seed: 439,
  },
  {
    name: "one acknowledgement is a majority",
    breaks: "one handler",
    file: "ownership/lease.ts",
    from: "newestFirst[required - 2]",
    to: "newestFirst[0]",
  },
  {
    name: "a majority is not asked who else is there",
    breaks: "one handler",
    file: "membership/quorum.ts",
    from: "if (this.required === 1) return true;",
    to: "return true;",
  },
  {
    name: "a lease that was lost is taken up again",
    breaks: "one handler",
    file: "node.ts",
    from: "if (now < this.#lease.lostForGoodAt(this.#graceMs)) return;",
    to: "return;",
  },
  {
    name: "peers die early",
    breaks: "one handler",
    file: "membership/membership.ts",
    from: "return peer.lastHeard + peer.detectionMs(this.multiplier);",
    to: "return peer.lastHeard + peer.detectionMs(this.multiplier) * 0.6;",
  },
  {
    name: "who was not run takes the others for dead",
    breaks: "one handler",
    file: "node.ts",
    from: "this.#membership.excuse(now);",
    to: "",
    seed: 380,
  },
  {
    name: "who was not run takes those for deaf that did not hear it",
    breaks: "one handler",
    file: "membership/membership.ts",
    from: "this.#silentUntil = now;",
    to: "",
    noticedBy: "narrow_test.ts",
  },
  {
    name: "claims of others are not looked at",
    breaks: "one handler",
    file: "ownership/ownership.ts",
    from: "this.ranked().difference(claimed)",
    to: "this.ranked().difference(this.claims)",
  },
  {
    name: "plans need not agree",
    breaks: "one handler",
    file: "ownership/ownership.ts",
    from: "const agreed = mayInherit &&",
    to: "const agreed = mayInherit ||",
  },
  {
    name: "conflicts are not resolved",
    breaks: "one handler",
    file: "ownership/ownership.ts",
    from: "if (!both.isEmpty && prevails(",
    to: "if (both.size > 256 && prevails(",
  },
  {
    name: "the smaller group prevails as often as the larger",
    breaks: "larger group prevails",
    file: "ownership/claim.ts",
    from: "if (one.claimGroup !== other.claimGroup) return one.claimGroup > other.claimGroup;",
    to: "",
  },
  {
    name: "who can serve nothing goes on speaking",
    breaks: "whole in the end",
    file: "node.ts",
    from: "if (this.#isWithdrawn(now)) return this.#pulse.skip(now);",
    to: "",
    noticedBy: "one_way_test.ts",
  },
  {
    name: "who has given up everything is planned in before it could handle it",
    breaks: "whole in the end",
    file: "membership/view.ts",
    from: "takesPart(node) && (node.heartbeat.leaseHeld || !node.heartbeat.forfeited)",
    to: "takesPart(node)",
    noticedBy: "one_way_test.ts",
  },
  {
    name: "buckets without an owner are planned for whom a majority lets take none",
    breaks: "whole in the end",
    file: "membership/view.ts",
    from: 'options.partition === "serve" || degreeHere(node) === degreeMax',
    to: "true",
    noticedBy: "one_way_test.ts",
  },
  {
    name: "two that do not hear each other plan against each other",
    breaks: "whole in the end",
    file: "membership/view.ts",
    from: "return able.find(({ degree }) => degree === most);",
    to: "return able[0];",
    noticedBy: "one_way_test.ts",
  },
  {
    name: "claims are a larger group's as soon as it is seen",
    breaks: "larger group prevails",
    file: "node.ts",
    from: "if (isDisputed || !this.#planning.hasLasted(now)) return;",
    to: "",
  },
  {
    name: "buckets are handed over before their state",
    breaks: "state first",
    file: "ownership/ownership.ts",
    from: ".intersection(provenAt(incarnation))",
    to: ".intersection(BucketSet.all())",
  },
  {
    name: "what was handed over to a node that drains is taken when it resumes",
    breaks: "one handler",
    file: "node.ts",
    from: 'this.#state === "ready" && peer.ackedSequence >= this.#resumedSequence;',
    to: "true;",
    noticedBy: "narrow_test.ts",
  },
  {
    name: "what is being handed over is not claimed",
    breaks: "state first",
    file: "ownership/ownership.ts",
    from: "for (const { buckets } of this.#releasing.values()) claims = claims.union(buckets);",
    to: "",
  },
  {
    name: "buckets are handed over by a plan that not everybody has",
    breaks: "one handler",
    file: "ownership/ownership.ts",
    from: "if (!isShown) return [];",
    to: "",
    noticedBy: "narrow_test.ts",
  },
  {
    name: "who is heard one way only is nobody's heir",
    breaks: "one handler",
    file: "node.ts",
    from: "hearsay: this.#hearsay(),",
    to: "",
    noticedBy: "narrow_test.ts",
  },
  {
    name: "a plan is made again and again",
    breaks: "whole in the end",
    file: "ownership/planning.ts",
    from: "if (unchanged) return null;",
    to: "",
  },
  {
    name: "deaths are noticed late",
    breaks: "handled in time",
    file: "membership/membership.ts",
    from: "return peer.lastHeard + peer.detectionMs(this.multiplier);",
    to: "return peer.lastHeard + peer.detectionMs(this.multiplier) * 5;",
  },
  {
    name: "a lease that lapses for a moment is lost",
    breaks: "innocents stay",
    file: "node.ts",
    from: "this.#graceMs = 2 * options.intervalMs;",
    to: "this.#graceMs = 0;",
  },
  {
    name: "loads differ by as much as a share before anything moves",
    breaks: "even load",
    file: "ownership/planner.ts",
    from: "Math.max(1, share * 0.05)",
    to: "Math.max(1, share)",
  },
  {
    name: "one heir gets all",
    breaks: "innocents stay",
    file: "ownership/planner.ts",
    from: "quota[heir]--;",
    to: "",
  },
  {
    name: "heartbeats are sent as often as something changes",
    breaks: "bounded",
    file: "membership/pulse.ts",
    from: "Math.max(2, Math.min(perIntervalMax, hurriedByAllMax / (this.peers + 1)))",
    to: "400",
  },
  {
    name: "plans are sent as often as something changes",
    breaks: "bounded",
    file: "membership/plan_exchange.ts",
    from: "if (plan === null || now - this.#lastSent < this.intervalMs) return [];",
    to: "if (plan === null) return [];",
  },
  {
    name: "who has ever been there is remembered",
    breaks: "bounded",
    file: "membership/membership.ts",
    from: "if (this.#tombstones.size > tombstonesMax) {",
    to: "if (false) {",
    noticedBy: "memory_test.ts",
  },
  {
    name: "what was never said to the end is kept",
    breaks: "bounded",
    file: "membership/plan_exchange.ts",
    from: "this.#assemblies.delete(incarnation);",
    to: "",
    noticedBy: "memory_test.ts",
  },
];
