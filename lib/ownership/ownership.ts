/**
 * Which buckets this node handles, and when it may change that.
 *
 * Intuition: three rules keep two nodes from answering for one bucket.
 * - A bucket that another live node claims is never switched on, unless that node has released it to
 *   us (RELEASE behind all its state).
 * - A bucket that nobody claims goes to the first in the plan's order of succession that is able. All
 *   live nodes must show the same plan, or two could be first, each in its own.
 * - Who may have been taken for dead gives up its ranks for the rest of the plan (it forfeits), so
 *   that nobody waits for it, and comes back only by the next plan.
 * Everything else (death, lease) is decided elsewhere and arrives here as the set of live nodes.
 */
import type { Millis } from "../ports.ts";
import type { Heartbeat } from "../wire/heartbeat.ts";
import { bucketCount, BucketSet } from "./bucket_set.ts";
import { prevails } from "./claim.ts";
import { isMember, type Plan } from "./plan.ts";
import { bucketsOf, wholeUnits } from "./units.ts";

/** A live node's word: its newest heartbeat, under its incarnation. */
export interface LiveNode {
  readonly incarnation: string;
  readonly heartbeat: Heartbeat;
}

const noNodes: readonly LiveNode[] = [];

/** Buckets handed over in one batch: few, since their frames wait until the batch has arrived. */
const releaseBatchMax = 32;

export class Ownership {
  #held = BucketSet.empty();
  /** Being handed over: switched off here, not yet acknowledged there. By the receiver's name. */
  readonly #releasing = new Map<string, { readonly buckets: BucketSet; readonly epoch: number }>();
  /**
   * Released to us in this epoch, by incarnation: its claim on them is void until it drops it. What it
   * still claims at `until` it has taken again.
   */
  readonly #released = new Map<string, { readonly buckets: BucketSet; readonly until: Millis }>();
  #plan: Plan | null = null;
  /** For each member of the plan, by incarnation, the buckets for which it has a rank. */
  readonly #ranked = new Map<string, BucketSet>();
  /** The same for the first rank: those that it is to own. */
  readonly #owned = new Map<string, BucketSet>();
  #forfeited = false;

  /** `units`: buckets are handed over in so many whole units (units.ts). */
  constructor(
    readonly self: { readonly name: string; readonly incarnation: string },
    readonly units = bucketCount,
  ) {}

  get plan(): Plan | null {
    return this.#plan;
  }

  /** The buckets that are switched on. */
  get held(): BucketSet {
    return this.#held;
  }

  /** `held`, and what is being handed over. */
  get claims(): BucketSet {
    let claims = this.#held;
    for (const { buckets } of this.#releasing.values()) claims = claims.union(buckets);
    return claims;
  }

  get forfeited(): boolean {
    return this.#forfeited;
  }

  get isReleasing(): boolean {
    return this.#releasing.size > 0;
  }

  /** A plan that supersedes the present one: ranks that were forfeited in the old one are anew. */
  adopt(plan: Plan): void {
    this.#plan = plan;
    this.#forfeited = false;
    this.#released.clear();
    this.#ranked.clear();
    this.#owned.clear();
    for (const { incarnation } of plan.members) {
      this.#ranked.set(incarnation, BucketSet.empty());
      this.#owned.set(incarnation, BucketSet.empty());
    }
    plan.ranks.forEach((ranks, bucket) =>
      ranks.forEach((member, rank) => {
        const { incarnation } = plan.members[member];
        this.#ranked.get(incarnation)!.add(bucket);
        if (rank === 0) this.#owned.get(incarnation)!.add(bucket);
      })
    );
  }

  /** Takes over what a former daemon of this node still handles. */
  adoptHeld(buckets: BucketSet): void {
    this.#held = buckets;
  }

  /** Lets everything go, and the ranks of this plan with it. */
  forfeit(): BucketSet {
    const dropped = this.#held;
    this.#held = BucketSet.empty();
    this.#released.clear();
    this.#forfeited = true;
    return dropped;
  }

  drop(buckets: BucketSet): void {
    this.#held = this.#held.difference(buckets);
  }

  /**
   * RELEASE came from a live node: what of it this node is to handle now. What that node says from
   * `until` on, it has said after it.
   */
  takeReleased(from: string, buckets: BucketSet, epoch: number, until: Millis): BucketSet {
    const plan = this.#plan;
    if (plan === null || plan.epoch !== epoch) return BucketSet.empty();
    const mine = BucketSet.of([...buckets].filter((b) => this.#rankOf(plan, b) === 0));
    const before = this.#released.get(from)?.buckets ?? BucketSet.empty();
    this.#released.set(from, { buckets: before.union(mine), until });
    return mine;
  }

  /** What `node` still claims, after what it released to us. */
  #standingClaims(node: LiveNode): BucketSet {
    const released = this.#released.get(node.incarnation);
    return released === undefined
      ? node.heartbeat.claims
      : node.heartbeat.claims.difference(released.buckets);
  }

  #isHeardBy({ heartbeat }: LiveNode): boolean {
    return heartbeat.peers.some(({ incarnation }) => incarnation === this.self.incarnation);
  }

  /** Forgets releases that the releasing node's heartbeat has caught up with. */
  heard(node: LiveNode, now: Millis): void {
    const released = this.#released.get(node.incarnation);
    if (released === undefined) return;
    const buckets = released.buckets.intersection(node.heartbeat.claims);
    if (buckets.isEmpty || now >= released.until) this.#released.delete(node.incarnation);
    else this.#released.set(node.incarnation, { ...released, buckets });
  }

  gone(incarnation: string): void {
    this.#released.delete(incarnation);
  }

  /**
   * Switches on what this node must handle now; what that is. Call it only with a valid lease and in
   * state ready. `mayInherit` false: only what has been released to this node.
   * `hearsay`: nodes that are not live here, but are for a live one. `claimGroup`: that of this node's claims.
   */
  activate(
    live: readonly LiveNode[],
    { mayInherit = true, hearsay = noNodes, claimGroup = 1 } = {},
  ): BucketSet {
    const plan = this.#plan;
    const activated = BucketSet.empty();
    if (plan === null || this.#forfeited || !isMember(plan, this.self.incarnation)) {
      return activated;
    }
    const there = [...live, ...hearsay];
    const agreed = mayInherit &&
      there.every(({ incarnation, heartbeat }) =>
        heartbeat.planDigest === plan.digest ||
        // Nobody's heir, and not about to be: a member may have this plan by now, and what it owns.
        (heartbeat.planEpoch === 0 && !isMember(plan, incarnation))
      );
    const apart = hearsay.reduce(
      (claims, { heartbeat }) => claims.union(heartbeat.claims),
      this.claims,
    );
    const claimed = live.reduce((claims, node) => claims.union(this.#standingClaims(node)), apart);
    // Who is live for another may be given what it owns by the plan at any moment.
    const able = plan.members.map((member) =>
      member.incarnation === this.self.incarnation ||
      there.some(({ incarnation, heartbeat }) =>
        incarnation === member.incarnation && heartbeat.state === "ready" && !heartbeat.forfeited
      )
    );
    const released = [...this.#released.values()].reduce(
      (all, { buckets }) => all.union(buckets),
      BucketSet.empty(),
    );
    // Whoever released a bucket had the better right to it than a weaker one that claims it, too, and that
    // cannot be told so: it does not hear this node. One that does goes on until it gives way.
    const own = { claimGroup, planEpoch: plan.epoch, name: this.self.name };
    const standing = live.reduce(
      (claims, node) =>
        prevails(node.heartbeat, own) || this.#isHeardBy(node)
          ? claims.union(this.#standingClaims(node))
          : claims,
      apart,
    );
    const open = this.ranked().difference(claimed)
      .union(this.ranked().intersection(released).difference(standing));
    for (const bucket of open) {
      const first = plan.ranks[bucket].find((member) => able[member]);
      if (first === undefined || plan.members[first].incarnation !== this.self.incarnation) {
        continue;
      }
      if (agreed || released.has(bucket)) activated.add(bucket);
    }
    this.#held = this.#held.union(activated);
    return activated;
  }

  /**
   * Held buckets that another node holds as well, and to which it has the better right: the claim
   * made in the larger mutually hearing group, then the later epoch, then the smaller name.
   */
  lostConflicts(live: readonly LiveNode[], ownClaimGroup: number): BucketSet {
    let lost = BucketSet.empty();
    const planEpoch = this.#plan?.epoch ?? 0;
    const own = { claimGroup: ownClaimGroup, planEpoch, name: this.self.name };
    for (const node of live) {
      const both = this.#held.intersection(node.heartbeat.held).intersection(
        this.#standingClaims(node),
      );
      if (!both.isEmpty && prevails(node.heartbeat, own)) lost = lost.union(both);
    }
    return lost;
  }

  /** Held buckets that the plan gives to another node. */
  due(): BucketSet {
    const { members, ranks } = this.#plan ?? { members: [], ranks: [] };
    const isOthers = (bucket: number) =>
      ranks.length > 0 && members[ranks[bucket][0]]?.incarnation !== this.self.incarnation;
    return BucketSet.of([...this.#held].filter(isOthers));
  }

  /**
   * Starts the planned moves that can start: for each receiver at most one batch at a time, of
   * buckets whose flows it has proven to hold. The batch is switched off at once. Those of `waiting`
   * do not move yet, and nothing does before all live members show the plan: who has an older one would
   * not know whose the buckets are, should both nodes fall silent. `isDeaf`: of those no lease takes account.
   */
  startReleases(
    live: readonly LiveNode[],
    { provenAt, isDeaf, waiting }: {
      readonly provenAt: (incarnation: string) => BucketSet;
      readonly isDeaf: (incarnation: string) => boolean;
      readonly waiting: BucketSet;
    },
  ): { readonly to: string; readonly buckets: BucketSet; readonly epoch: number }[] {
    const plan = this.#plan;
    if (plan === null || !isMember(plan, this.self.incarnation)) return [];
    const isShown = live.every(({ incarnation, heartbeat }) =>
      heartbeat.planDigest === plan.digest || !isMember(plan, incarnation) || isDeaf(incarnation)
    );
    if (!isShown) return [];
    const started: { to: string; buckets: BucketSet; epoch: number }[] = [];
    for (const { incarnation, heartbeat } of live) {
      if (
        heartbeat.state !== "ready" || heartbeat.forfeited || !heartbeat.leaseHeld ||
        heartbeat.planDigest !== plan.digest || this.#releasing.has(heartbeat.name)
      ) continue;
      const owned = this.#owned.get(incarnation);
      if (owned === undefined || !this.#held.intersects(owned)) continue;
      const due = this.#held.intersection(owned).intersection(provenAt(incarnation))
        .difference(waiting);
      if (due.isEmpty) continue;
      const buckets = this.#batchOf(due);
      if (buckets.isEmpty) continue;
      this.#held = this.#held.difference(buckets);
      for (const [from, released] of this.#released) {
        this.#released.set(from, { ...released, buckets: released.buckets.difference(buckets) });
      }
      this.#releasing.set(heartbeat.name, { buckets, epoch: plan.epoch });
      started.push({ to: heartbeat.name, buckets, epoch: plan.epoch });
    }
    return started;
  }

  /** As many whole units as a batch may have, and one at least. */
  #batchOf(due: BucketSet): BucketSet {
    const atOnce = Math.max(1, Math.floor(releaseBatchMax * this.units / bucketCount));
    return bucketsOf(wholeUnits(due, this.units).slice(0, atOnce), this.units);
  }

  /** A release has ended, well or not: the claim on its buckets ends with it. */
  releaseDone(to: string): void {
    this.#releasing.delete(to);
  }

  /** Buckets for which a start of a node has a rank in the present plan. */
  ranked(incarnation = this.self.incarnation): BucketSet {
    return this.#ranked.get(incarnation) ?? BucketSet.empty();
  }

  #rankOf(plan: Plan, bucket: number): number {
    return plan.ranks[bucket].findIndex((member) =>
      plan.members[member].incarnation === this.self.incarnation
    );
  }
}
