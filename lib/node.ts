/**
 * The core: one node of the cluster as a function of what reaches it and when.
 *
 * `step` takes one input and the time, and returns what has to be done about it. Between two steps
 * nothing happens; `deadline` says when the next one is due at the latest. It opens nothing, never
 * sleeps and draws no randomness, so a whole cluster fits into one process and a seed replays it.
 *
 * Each step ends by settling in one fixed order: deaths, state, lease, conflicts, plan, activation,
 * moves, orders, heartbeat. The order matters: a claim of others is seen before a lease is renewed,
 * and what is switched on is in the very next heartbeat.
 */
import type { NodeState } from "./control.ts";
import { assert } from "./errors.ts";
import { Forwarding } from "./forwarding/forwarding.ts";
import { Fitness } from "./health/fitness.ts";
import { Admission } from "./membership/admission.ts";
import { InPlace } from "./membership/in_place.ts";
import { Membership } from "./membership/membership.ts";
import type { Peer } from "./membership/peer.ts";
import { PathNews } from "./membership/path_news.ts";
import { Pulse } from "./membership/pulse.ts";
import { PlanExchange } from "./membership/plan_exchange.ts";
import { PlanMaker } from "./membership/plan_maker.ts";
import { Quorum } from "./membership/quorum.ts";
import { type Company, Withdrawal } from "./membership/withdrawal.ts";
import type { CoreEvent, Effect, Input, NodeOptions, Snapshot } from "./node_types.ts";
import { BucketSet } from "./ownership/bucket_set.ts";
import { guardOf, patienceMs } from "./ownership/lease.ts";
import { LeaseKeeper } from "./ownership/lease_keeper.ts";
import { type LiveNode, Ownership } from "./ownership/ownership.ts";
import { Patience } from "./ownership/patience.ts";
import { isMember, noPlanDigest, type Plan, supersedes } from "./ownership/plan.ts";
import { isSameOrders, provenClaims, replicationOrders } from "./ownership/replication_orders.ts";
import type { Millis, ReplicationOrders } from "./ports.ts";
import { Settings } from "./reload/settings.ts";
import { describe } from "./snapshot.ts";
import {
  encodeHeartbeat,
  heardMutually,
  type Heartbeat,
  heartbeatType,
  sequenceOf,
} from "./wire/heartbeat.ts";
import { isForward } from "./wire/forward.ts";
import { HeartbeatDecoder } from "./wire/heartbeat_decoder.ts";
import { planPartType } from "./wire/plan_parts.ts";

/** The last heartbeats of a node that leaves: peers take over without waiting for silence. */
const farewells = 3;

export class Node {
  readonly #options: NodeOptions;
  readonly #membership: Membership;
  readonly #ownership: Ownership;
  readonly #detectionMs: number;
  readonly #guardMs: number;
  /** A lease that has ended can be mended for so long: a deaf peer says that it is only after an interval. */
  readonly #graceMs: number;
  readonly #exchange: PlanExchange;
  readonly #planning: PlanMaker;
  readonly #refused = new Map<string, number>();
  readonly #admission: Admission;
  readonly #pulse: Pulse;
  readonly #withdrawal: Withdrawal;
  readonly #paths: PathNews;
  readonly #forwarding: Forwarding;
  readonly #patience: Patience;
  readonly #fitness: Fitness;
  readonly #lease: LeaseKeeper;
  readonly #takeOver: InPlace | null;
  readonly #settings: Settings;
  /** Where this node's replication port is. */
  #addresses: readonly Uint8Array[];
  /** null: whoever does not hear another goes on. */
  readonly #quorum: Quorum | null;

  #state: NodeState = "joining";
  #reason: string | null = "listening";
  #leaving = false;
  #farewellsLeft = farewells;
  /** It has been silent since it lost its lease. */
  #hasWithdrawn = false;
  #weight: number;
  #carriers: number;
  #toldLease: Millis = 0;
  /** Before that, this node takes only what is handed to it. */
  #inheritsFrom: Millis = -Infinity;
  /** The heartbeat that first said that it is ready: before all know that, others may inherit instead. */
  #readySequence = 0;
  /** The one that first said so after it had been draining. */
  #resumedSequence = -1;
  #claimGroup = 1;
  #deadline: Millis;
  /** What the datapath was told last; null: nothing yet, and it may hold what a former daemon left. */
  #toldHeld: BucketSet | null = null;
  #toldEpoch = 0;
  #toldOrders: ReplicationOrders | null = null;
  #stopped = false;
  #effects: Effect[] = [];
  /** Something may have to be done that depends on more than the time and acknowledgements. */
  #hasNews = true;
  #isServed = false;
  /** When it settled last, nobody waited for anything. */
  #wasCalm = false;
  #wasHeld = false;
  /** When time alone may make something due that `settle` has to look for. */
  #nextLook: Millis = -Infinity;

  constructor(options: NodeOptions, now: Millis) {
    this.#options = options;
    this.#weight = options.weight;
    const self = { name: options.name, incarnation: options.incarnation };
    const interfaces = options.shares + options.links;
    this.#pulse = new Pulse(options.intervalMs, now);
    this.#membership = new Membership(self, options.multiplier, interfaces, this.#pulse);
    this.#ownership = new Ownership(self, options.units);
    this.#detectionMs = options.intervalMs * options.multiplier;
    this.#graceMs = 2 * options.intervalMs;
    this.#guardMs = guardOf(options.clockStepMs, this.#detectionMs);
    this.#withdrawal = new Withdrawal(this.#detectionMs);
    this.#paths = new PathNews(options);
    this.#admission = new Admission(options.name, {
      listenUntil: now + Math.max(options.listenMs, 3 * this.#detectionMs),
      probeFrom: now + 2 * this.#detectionMs,
    });
    this.#patience = new Patience(options.drainTimeoutMs ?? 0);
    this.#forwarding = new Forwarding(options, (sequence) => this.#pulse.sentAt(sequence));
    this.#carriers = (1 << interfaces) - 1;
    this.#deadline = now;
    const { adopted } = options;
    this.#lease = new LeaseKeeper(
      adopted !== null && adopted.leaseUntil > now ? adopted.leaseUntil : 0,
    );
    if (this.#lease.isHeld(now)) this.#ownership.adoptHeld(adopted!.responsibility);
    this.#toldLease = this.#lease.until;
    this.#fitness = new Fitness({ ...options, isServing: this.#lease.isHeld(now) }, now);
    this.#exchange = new PlanExchange(options.name, options.incarnation, options.intervalMs);
    this.#planning = new PlanMaker({ ...options, detectionMs: this.#detectionMs }, now);
    const { backups, configDigest } = options;
    this.#settings = new Settings({ backups, configDigest });
    this.#addresses = options.addresses;
    this.#takeOver = options.inPlace ? new InPlace(options.units) : null;
    const majority = Math.floor(options.nodes / 2) + 1;
    this.#quorum = options.partition === "majority"
      ? new Quorum(majority, this.#detectionMs, now)
      : null;
  }

  /** When the next step is due, if nothing comes before. */
  get deadline(): Millis {
    return this.#deadline;
  }

  /** Whether a step now comes so late that this process cannot have been run for a while. */
  isLate(now: Millis): boolean {
    return now - this.#deadline > this.#detectionMs / 3;
  }

  /**
   * Nothing goes on: until the deadline, what others say may be left to wait, and be told to `step` one
   * after the other, each as of when it came.
   */
  get isCalm(): boolean {
    return this.#wasCalm && !this.#hasNews && !this.#pulse.isHurried;
  }

  step(input: Input, now: Millis): Effect[] {
    this.#effects = [];
    if (this.#stopped) return this.#effects;
    if (this.isLate(now)) this.#wokeLate(now);
    this.#take(input, now);
    // A lease is not prolonged by every word: before it runs low is early enough.
    if (!this.isCalm || now >= this.#deadline) this.#settle(now);
    return this.#effects;
  }

  snapshot(now: Millis): Snapshot {
    return describe({
      options: { ...this.#options, backups: this.#settings.present.backups },
      self: this.#ownHeartbeat(now),
      incarnation: this.#options.incarnation,
      reason: this.#patience.explain(this.#reason, now),
      leaseUntil: this.#lease.until,
      plan: this.#ownership.plan,
      peers: this.#membership.live(),
      refused: this.#refused,
      shares: this.#options.shares,
      heardSince: (peer) => now - peer.detectionMs(this.#options.multiplier),
      health: this.#fitness.verdict,
      dampedMs: (name) => this.#planning.dampedMs(name, now),
      versionInUse: this.#fitness.inUse(this.#live().map(({ heartbeat }) => heartbeat)),
    });
  }

  // ---- inputs

  #take(input: Input, now: Millis): void {
    this.#hasNews ||= input.kind !== "tick" && input.kind !== "message";
    switch (input.kind) {
      case "tick":
        return;
      case "message":
        this.#hasNews ||= input.message[0] !== heartbeatType;
        return this.#takeMessage(input.incarnation, input.interfaceIndex, input.message, now);
      case "carrier":
        this.#carriers = input.up
          ? this.#carriers | (1 << input.interfaceIndex)
          : this.#carriers & ~(1 << input.interfaceIndex);
        this.#pulse.hurry();
        return;
      case "stranger":
        return this.#takeConflict(`heartbeats of this cluster's name: ${input.reason}`, now);
      case "answered":
        return this.#takeConflict(`somebody answers for ${input.address}`, now);
      case "replication":
        return this.#takeReport(input.report, now);
      case "drain":
        return this.#drain();
      case "resume":
        if (this.#state === "draining" && !this.#leaving) this.#enter("ready", null);
        this.#takeOver?.insist();
        return;
      case "health":
      case "ruleset":
        this.#tell(this.#fitness.take(input));
        return this.#pulse.hurry();
      case "weight":
        this.#weight = input.weight;
        return this.#pulse.hurry();
      case "balance":
        return this.#planning.wish(input.owners, now);
      case "configure":
      case "stage":
      case "unstage":
      case "replan":
        this.#use(this.#settings.take(input, this.#ownership.plan?.epoch ?? 0, now));
        return this.#planning.lookAgain(now);
      case "forward":
      case "executed":
        return this.#forwarding.input(input, this.#membership.live(), now);
      case "leave":
        this.#leaving = true;
        return this.#drain();
    }
  }

  #takeMessage(incarnation: string, interfaceIndex: number, message: Uint8Array, now: Millis) {
    if (message[0] === planPartType) return this.#takePlanPart(incarnation, message, now);
    if (isForward(message)) {
      const peer = this.#membership.byIncarnation(incarnation);
      return this.#refuse(this.#forwarding.take(message, peer, now));
    }
    if (message[0] !== heartbeatType) return this.#refuse("unknown type");
    const known = this.#membership.byIncarnation(incarnation);
    if (known !== null && sequenceOf(message) === known.heartbeat.sequence) {
      if (!this.#membership.hearAgain(known, interfaceIndex, now)) this.#refuse("replayed");
      return;
    }
    const decoded = (known?.decoder ?? new HeartbeatDecoder()).decode(message);
    if ("refusal" in decoded) return this.#refuse(decoded.refusal);
    const heartbeat = this.#fitness.understood(decoded.heartbeat);
    const mismatch = this.#fitness.mismatch(heartbeat);
    if (mismatch !== null) {
      this.#refuse("version");
      return this.#takeConflict(mismatch, now);
    }
    this.#hasNews ||= decoded.isNews || !known?.confirmed;
    // Since it spoke last, or by another plan once more.
    const gaveUp = heartbeat.forfeited && known !== null &&
      (!known.heartbeat.forfeited || known.heartbeat.planDigest !== heartbeat.planDigest);
    const hearing = this.#membership.hear(incarnation, heartbeat, interfaceIndex, now);
    if (hearing.kind === "refused") return this.#refuse(hearing.reason);
    if (hearing.kind === "again") return;
    this.#ownership.heard({ incarnation, heartbeat }, now);
    if (gaveUp) this.#tell(this.#planning.failed(heartbeat.name, now));
    this.#tellQuorum(hearing.peer, now);
    if (hearing.kind === "new") {
      this.#event("info", "peer-heard", `${heartbeat.name} is heard`, { node: heartbeat.name });
    }
    if (hearing.kind === "new" || heartbeat.ackSoon || !hearing.peer.confirmed) this.#pulse.hurry();
  }

  #tellQuorum(peer: Peer, now: Millis): void {
    if (this.#quorum === null || !peer.confirmed) return;
    const isKnown = (incarnation: string) =>
      incarnation === this.#options.incarnation ||
      this.#membership.byIncarnation(incarnation) !== null;
    this.#quorum.heard(peer, this.#pulse.sentAt(peer.ackedSequence), isKnown, now);
  }

  #takePlanPart(incarnation: string, message: Uint8Array, now: Millis): void {
    if (!this.#membership.byIncarnation(incarnation)?.confirmed) return this.#refuse("unconfirmed");
    const plan = this.#exchange.take(incarnation, message);
    if (plan === null) return;
    if ("refusal" in plan) return this.#refuse(plan.refusal);
    if (isMember(plan, this.#options.incarnation) && supersedes(plan, this.#ownership.plan)) {
      this.#adopt(plan, now);
    }
  }

  #takeConflict(text: string, now: Millis): void {
    if (this.#admission.noteConflict(text, now)) {
      this.#event("error", "conflict", `conflict: ${text}`, {});
    }
  }

  #takeReport(report: Extract<Input, { kind: "replication" }>["report"], now: Millis): void {
    if (report.kind === "releaseDone") {
      this.#ownership.releaseDone(report.peer);
      this.#pulse.hurry();
      if (!report.acknowledged) {
        this.#event("warning", "release-failed", `hand-over to ${report.peer} broke off`, {
          peer: report.peer,
          buckets: report.buckets.size,
        });
      }
      return;
    }
    if (report.kind === "busy") return this.#patience.told(report.buckets);
    const peer = this.#membership.byIncarnation(report.incarnation);
    if (peer === null) return;
    if (report.kind === "proven") {
      peer.proven = report.proven;
    } else if (report.kind === "bulkReceived") {
      peer.bulkReceived = true;
    } else {
      const { incarnation, buckets, epoch } = report;
      const until = now + this.#detectionMs;
      // Who knows this node as draining takes back at once what has been handed over to it; and of one
      // whose lease has ended others may have taken it over.
      const isKnownReady = this.#state === "ready" && peer.ackedSequence >= this.#resumedSequence;
      const counted = isKnownReady && peer.heartbeat.leaseHeld ? buckets : BucketSet.empty();
      const mine = this.#ownership.takeReleased(incarnation, counted, epoch, until);
      this.#event("info", "released", `${peer.name} handed over ${mine.size} buckets`, {
        peer: peer.name,
        buckets: mine.size,
      });
    }
  }

  /** What a reload has changed. */
  #use(reloaded: ReturnType<Settings["take"]>): void {
    if (reloaded === null) return;
    const { id, settings } = reloaded;
    if (settings.weight !== null) this.#weight = settings.weight;
    this.#patience.useTimeout(settings.drainTimeoutMs);
    this.#fitness.agreeIn(settings.topics);
    this.#addresses = settings.addresses ?? this.#addresses;
    if (settings.flapHalfLifeMs !== undefined) this.#planning.useDamping(settings.flapHalfLifeMs);
    this.#pulse.hurry();
    this.#effects.push({ kind: "configured", id, epoch: this.#ownership.plan?.epoch ?? 0 });
  }

  #drain(): void {
    if (this.#state === "ready") this.#enter("draining", this.#leaving ? "leaving" : "on request");
    else if (this.#leaving && this.#state !== "draining" && this.#state !== "left") {
      this.#enter("left", null);
    }
  }

  // ---- settling

  #settle(now: Millis): void {
    if (this.#toldHeld === null) this.#tellDatapath(); // before any lease
    this.#hasNews ||= now >= this.#nextLook ||
      (!this.#wasCalm && (now >= this.#pulse.nextAt || this.#quorum !== null));
    this.#buryTheDead(now);
    if (this.#hasNews) this.#advanceState(now);
    this.#renewLease(now);
    const isHeld = this.#lease.isHeld(now);
    if (this.#hasNews || isHeld !== this.#wasHeld) this.#lookAtAll(now);
    this.#wasHeld = isHeld;
    this.#effects.push(...this.#forwarding.step(() => this.#membership.live(), now));
    this.#speak(now);
    this.#tell(this.#paths.look(this.#membership.live(), now));
    this.#wasCalm = isHeld && this.#isServed;
    this.#deadline = this.#nextDeadline(now);
  }

  /** All that does not follow from the time and acknowledgements alone. */
  #lookAtAll(now: Millis): void {
    this.#resolveConflicts();
    this.#makePlan(now);
    this.#confirmClaims(now);
    this.#activate(now);
    this.#startReleases(now);
    this.#tellDatapath();
    this.#tellReplication();
    // What has changed may make more due.
    this.#hasNews = this.#effects.some(({ kind }) => kind !== "lease");
    this.#nextLook = this.#nextLookAfter(now);
    this.#isServed = this.#isEverythingServed();
  }

  /** Whether all that are heard serve by the same plan, and every bucket is one's of them: then nobody waits for anything. */
  #isEverythingServed(): boolean {
    const { plan, forfeited, isReleasing } = this.#ownership;
    if (this.#state !== "ready" || plan === null || forfeited || isReleasing) return false;
    let claimed = this.#ownership.claims;
    for (const { confirmed, heartbeat } of this.#membership.heard()) {
      const isServing = confirmed && heartbeat.state === "ready" && heartbeat.leaseHeld &&
        !heartbeat.forfeited && heartbeat.planDigest === plan.digest;
      if (!isServing) return false;
      claimed = claimed.union(heartbeat.claims);
    }
    return claimed.equals(BucketSet.all());
  }

  #buryTheDead(now: Millis): void {
    for (const { peer, reason } of this.#membership.expire(now)) {
      this.#ownership.gone(peer.incarnation);
      this.#quorum?.lost(peer.incarnation, now);
      this.#exchange.forget(peer.incarnation);
      // A recording that falls silent is nobody's failure, nor is it one more of a node that has given up everything.
      if (reason !== "left" && peer.confirmed && !peer.heartbeat.forfeited) {
        this.#tell(this.#planning.failed(peer.name, now));
      }
      this.#hasNews = true;
      this.#pulse.hurry();
      const silentMs = Math.round(now - peer.lastHeard);
      if (reason === "silent" && peer.heartbeat.forfeited) {
        this.#event(
          "info",
          "peer-withdrawn",
          `${peer.name}, which may handle nothing, has been silent for ${silentMs} ms`,
          { node: peer.name },
        );
        continue;
      }
      this.#event(
        reason === "silent" ? "warning" : "info",
        reason === "silent" ? "peer-dead" : `peer-${reason}`,
        reason === "silent"
          ? `${peer.name} has been silent for ${silentMs} ms`
          : `${peer.name} has ${reason}`,
        { node: peer.name, buckets: peer.heartbeat.held.size },
      );
    }
  }

  #advanceState(now: Millis): void {
    if (this.#state === "joining") this.#tryToJoin(now);
    if (this.#state === "syncing") this.#tryToFinishSync();
    if (this.#state === "draining" && this.#leaving) {
      const heirs = this.#membership.live().some((peer) => peer.heartbeat.state === "ready");
      if (this.#ownership.claims.isEmpty || !heirs) this.#enter("left", null);
    }
  }

  #tryToJoin(now: Millis): void {
    const verdict = this.#admission.judge(this.#membership.heard(), now, this.#unmet());
    const waiting = this.#fitness.waitsFor(now);
    if (verdict.kind === "admitted" && waiting === null) return this.#enter("syncing", null);
    this.#reason = verdict.kind === "wait" ? verdict.reason : waiting;
    if (verdict.kind === "wait" && verdict.probe) this.#effects.push({ kind: "probe" });
  }

  /** What a takeover in place still waits for; null: nothing. */
  #unmet(): string | null {
    const claims = this.#membership.live().map(({ heartbeat }) => heartbeat.claims);
    return this.#takeOver?.waitsFor([this.#ownership.claims, ...claims]) ?? null;
  }

  #tryToFinishSync(): void {
    const waiting = this.#membership.live().filter((peer) =>
      !peer.bulkReceived && !peer.heartbeat.claims.isEmpty
    );
    if (waiting.length === 0) this.#enter("ready", null);
    else this.#reason = `waiting for the flows of ${waiting.map((peer) => peer.name).join(", ")}`;
  }

  #renewLease(now: Millis): void {
    const serving = this.#state === "ready" || this.#state === "draining";
    if (!serving && this.#ownership.held.isEmpty) this.#lease.giveUp();
    else {
      this.#forfeitIfLapsed(now);
      // What a former daemon left is prolonged only once members are met, and by all that are heard:
      // whoever knew that daemon will take over when it does not hear this one.
      if (this.#state === "joining") return this.#tellLease();
      const constraining = serving ? this.#membership.met() : this.#membership.heard();
      const peers = constraining.filter(couldTakeOver).map((peer) => ({
        ackedSentAt: this.#pulse.sentAt(peer.ackedSequence),
        lastHeard: peer.lastHeard,
        isDeaf: this.#membership.isDeaf(peer, now),
      }));
      const terms = {
        sentAt: this.#pulse.sentAt(this.#pulse.sequence),
        intervalMs: this.#options.intervalMs,
        detectionMs: this.#detectionMs,
        guardMs: this.#guardMs,
        groupSize: this.#groupSize(now),
        required: this.#quorum?.required ?? 1,
        acknowledged: this.#quorum === null
          ? []
          : this.#membership.met().map((peer) => this.#pulse.sentAt(peer.ackedSequence)),
      };
      const news = this.#lease.renew(peers, terms, serving, now);
      if (news !== "none") this.#tellLeaseNews(news);
    }
    this.#tellLease();
  }

  #tellLeaseNews(news: "lost" | "regained"): void {
    this.#pulse.hurry();
    if (news === "regained") {
      this.#event("info", "lease-regained", "the lease is held again", {});
    } else {
      this.#event("warning", "lease-lost", "the lease ended: not all peers acknowledge this node", {
        held: this.#ownership.held.size,
      });
    }
  }

  /**
   * A short lapse is mended by the next acknowledgement. After a longer one others may have taken
   * over, even such that this node has not heard yet: it lets go and waits for the next plan.
   */
  #forfeitIfLapsed(now: Millis): void {
    if (this.#ownership.forfeited) return;
    if (now < this.#lease.lostForGoodAt(this.#graceMs)) return;
    const dropped = this.#ownership.forfeit();
    this.#hasNews = true;
    this.#pulse.hurry();
    this.#event("warning", "forfeited", `gave up ${dropped.size} buckets until the next plan`, {
      buckets: dropped.size,
    });
  }

  #tellLease(): void {
    const { until } = this.#lease;
    if (until === this.#toldLease) return;
    this.#toldLease = until;
    this.#effects.push({ kind: "lease", until });
  }

  #resolveConflicts(): void {
    const live = this.#live();
    const lost = this.#ownership.lostConflicts(live, this.#claimGroup);
    if (!lost.isEmpty) {
      this.#ownership.drop(lost);
      this.#pulse.hurry();
      this.#event("warning", "conflict-lost", `${lost.size} buckets are held elsewhere, too`, {
        buckets: lost.size,
      });
    }
  }

  /** Claims that a view has seen for a detection time, and nobody in it disputes, are its group's. */
  #confirmClaims(now: Millis): void {
    const { held, plan } = this.#ownership;
    const isDisputed = this.#live().some(({ heartbeat }) =>
      heartbeat.planDigest !== plan?.digest || heartbeat.held.intersects(held)
    );
    if (isDisputed || !this.#planning.hasLasted(now)) return;
    this.#claimGroup = Math.max(this.#claimGroup, this.#groupSize(now));
  }

  #makePlan(now: Millis): void {
    this.#tell(this.#planning.look([this.#self(now), ...this.#live()], now));
    if (!this.#lease.isHeld(now)) return;
    const terms = { group: this.#groupSize(now), ...this.#settings.planTerms(now) };
    const plan = this.#planning.next(this.#ownership.plan, terms, now);
    if (plan !== null) this.#adopt(plan, now);
  }

  #adopt(plan: Plan, now: Millis): void {
    // While this node had forfeited, the leases of the others did not depend on hearing from it. They
    // do from now on; it inherits nothing before the leases that they have now are over.
    if (this.#ownership.forfeited) this.#inheritsFrom = now + this.#detectionMs;
    this.#ownership.adopt(plan);
    this.#planning.lookFrom(now);
    this.#exchange.renew();
    this.#pulse.hurry();
    this.#use(this.#settings.adopted(plan.epoch, now));
    this.#event("info", "plan", `plan ${plan.epoch} of ${plan.planner}`, {
      epoch: plan.epoch,
      planner: plan.planner,
      members: plan.members.map((member) => member.name).join(" "),
    });
  }

  #activate(now: Millis): void {
    if (this.#state !== "ready" || !this.#lease.isHeld(now)) return;
    const mayInherit = now >= this.#inheritsFrom && this.#isAgreed(now) &&
      this.#membership.live().every((peer) => peer.ackedSequence >= this.#readySequence);
    const activated = this.#ownership.activate(this.#live(), {
      mayInherit,
      hearsay: this.#hearsay(),
      claimGroup: this.#claimGroup,
    });
    if (activated.isEmpty) return;
    this.#claimGroup = this.#groupSize(now);
    this.#pulse.hurry();
    this.#event("info", "activated", `handles ${activated.size} more buckets`, {
      buckets: activated.size,
      held: this.#ownership.held.size,
    });
  }

  /** Nodes that this one hears and that do not hear it, but that a live one has met. */
  #hearsay(): LiveNode[] {
    const live = this.#membership.live();
    return this.#membership.heard().filter(({ confirmed, incarnation }) =>
      !confirmed && live.some((peer) => (peer.hears(incarnation) & heardMutually) !== 0)
    );
  }

  /** Those that show the same plan are enough to be sure that nobody else holds anything. */
  #isAgreed(now: Millis): boolean {
    const digest = this.#ownership.plan?.digest;
    const supporters = this.#membership.live().filter((peer) =>
      peer.heartbeat.planDigest === digest
    );
    return this.#quorum?.agrees(supporters, now) ?? true;
  }

  #startReleases(now: Millis): void {
    if (!this.#lease.isHeld(now)) return;
    const releases = this.#ownership.startReleases(this.#live(), {
      provenAt: (incarnation) =>
        this.#membership.byIncarnation(incarnation)?.proven ?? BucketSet.empty(),
      isDeaf: (incarnation) => {
        const peer = this.#membership.byIncarnation(incarnation);
        return peer !== null && this.#membership.isDeaf(peer, now);
      },
      waiting: this.#patience.waiting(() => this.#ownership.due(), now),
    });
    for (const order of releases) {
      this.#pulse.hurry();
      this.#tellDatapath();
      this.#effects.push({ kind: "release", order });
      this.#event("info", "releasing", `hands ${order.buckets.size} buckets over to ${order.to}`, {
        peer: order.to,
        buckets: order.buckets.size,
      });
    }
  }

  #tellDatapath(): void {
    const held = this.#ownership.held, epoch = this.#ownership.plan?.epoch ?? 0;
    if (this.#toldHeld?.equals(held) && epoch === this.#toldEpoch) return;
    this.#toldHeld = held.clone();
    this.#toldEpoch = epoch;
    this.#effects.push({ kind: "responsibility", buckets: this.#toldHeld, epoch });
  }

  #tellReplication(): void {
    const orders = replicationOrders(this.#ownership, this.#membership.live(), {
      isReady: this.#state === "ready",
      tellBusy: this.#patience.isWaiting,
    });
    if (this.#toldOrders !== null && isSameOrders(orders, this.#toldOrders)) return;
    this.#toldOrders = orders;
    // A release goes by the orders that were in force when it was given: it stays behind them.
    const firstRelease = this.#effects.findIndex((effect) => effect.kind === "release");
    const at = firstRelease < 0 ? this.#effects.length : firstRelease;
    this.#effects.splice(at, 0, { kind: "orders", orders });
  }

  // ---- speaking

  #speak(now: Millis): void {
    this.#pulse.peers = this.#membership.heard().length;
    const isUrgent = this.#leaseRunsLow(now) || this.#missesSomebody(now);
    if (isUrgent) this.#pulse.hurry();
    if (now < this.#pulse.nextAt) return;
    if (this.#isWithdrawn(now)) return this.#pulse.skip(now);
    this.#pulse.beat(now);
    this.#effects.push({ kind: "send", message: encodeHeartbeat(this.#ownHeartbeat(now)) });
    this.#sendPlan(now);
    if (isUrgent) this.#pulse.hurry(); // this one, or its answer, may be lost
    if (this.#state !== "left") return;
    this.#pulse.hurry(); // the farewells follow each other closely
    if (--this.#farewellsLeft > 0) return;
    this.#stopped = true;
    this.#effects.push({ kind: "stopped" });
  }

  /** It has no lease, and says nothing, so that nobody waits for it. */
  #isWithdrawn(now: Millis): boolean {
    const takesPart = this.#state === "ready" || this.#state === "draining";
    const company = this.#lease.isHeld(now) || !takesPart
      ? null
      : companyIn(this.#membership.heard());
    const isSilent = this.#withdrawal.isSilent(company, this.#membership.newestAt, now);
    if (isSilent && !this.#hasWithdrawn) {
      this.#event("info", "withdrawn", "says nothing for a while: it may handle nothing", {});
    }
    this.#hasWithdrawn = company !== null && (isSilent || this.#hasWithdrawn);
    return isSilent;
  }

  /** Shows the plan to those that hold another. */
  #sendPlan(now: Millis): void {
    for (const message of this.#exchange.due(this.#ownership.plan, this.#live(), now)) {
      this.#effects.push({ kind: "send", message });
    }
  }

  #ownHeartbeat(now: Millis): Heartbeat {
    const plan = this.#ownership.plan;
    return {
      state: this.#state,
      leaseHeld: this.#lease.isHeld(now),
      forfeited: this.#ownership.forfeited,
      ackSoon: this.#leaseRunsLow(now),
      name: this.#options.name,
      sequence: this.#pulse.sequence,
      intervalMs: this.#options.intervalMs,
      ...this.#fitness.says({ weight: this.#weight, carriers: this.#carriers }, () => this.#live()),
      configDigest: this.#settings.present.configDigest,
      planEpoch: plan?.epoch ?? 0,
      planDigest: plan?.digest ?? noPlanDigest,
      claimGroup: this.#claimGroup,
      held: this.#ownership.held,
      claims: this.#ownership.claims,
      proven: provenClaims(this.#ownership, this.#membership.live()),
      addresses: this.#addresses,
      peers: this.#membership.heard().map((peer) => ({
        incarnation: peer.incarnation,
        sequence: peer.heartbeat.sequence,
        heardOn: peer.heardOn(now - peer.detectionMs(this.#options.multiplier)) |
          (peer.confirmed ? heardMutually : 0),
      })),
    };
  }

  /**
   * Less than a quarter of a detection time is left, and there is a peer that could renew it. With three
   * intervals to a detection time and nothing lost, a third is always left.
   */
  #leaseRunsLow(now: Millis): boolean {
    return (this.#state === "ready" || this.#state === "draining") &&
      this.#lease.until < now + this.#detectionMs / 4 &&
      this.#membership.live().some(couldTakeOver);
  }

  /**
   * A peer's heartbeat has not come. If it lives and hears this node, it has to learn that it is not heard:
   * one heartbeat that is lost must not look to it like the silence of a node that is gone.
   */
  #missesSomebody(now: Millis): boolean {
    return (this.#state === "ready" || this.#state === "draining") &&
      this.#membership.live().some((peer) => couldTakeOver(peer) && now >= missedAt(peer));
  }

  // ---- looking around

  #live(): LiveNode[] {
    return this.#membership.live();
  }

  #self(now: Millis): LiveNode {
    return { incarnation: this.#options.incarnation, heartbeat: this.#ownHeartbeat(now) };
  }

  #groupSize(now: Millis): number {
    return this.#membership.groupSize(
      (sequence) => this.#pulse.sentAt(sequence),
      this.#detectionMs,
      now,
    );
  }

  // ---- small things

  /** This process was not run for a while: that it has heard nothing proves nothing. */
  #wokeLate(now: Millis): void {
    const lateMs = Math.round(now - this.#deadline);
    this.#membership.excuse(now);
    this.#planning.lookFrom(now);
    this.#admission.listenUntil(now + this.#detectionMs);
    this.#pulse.hurry();
    this.#event("warning", "late", `this process was not run for ${lateMs} ms`, { lateMs });
  }

  #enter(state: NodeState, reason: string | null): void {
    assert(this.#state !== "left", "nothing follows left");
    // What was found on, and has no other owner yet, stays on when this node goes as it came.
    const isUntouched = this.#state === "joining" && this.#unmet() !== null;
    if (state === "ready") {
      this.#readySequence = this.#pulse.sequence + 1;
      if (this.#state === "draining") this.#resumedSequence = this.#readySequence;
    }
    this.#state = state;
    this.#reason = reason;
    this.#pulse.hurry();
    if (state === "left" && !isUntouched) {
      this.#ownership.forfeit();
      this.#lease.giveUp();
      this.#tellLease();
    }
    this.#event("info", "state", reason === null ? state : `${state}: ${reason}`, { state });
  }

  #refuse(reason: string | null): void {
    if (reason === null) return;
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    this.#event("warning", "refused", `a datagram was refused: ${reason}`, { reason });
  }

  #tell(events: readonly CoreEvent[]): void {
    for (const event of events) this.#effects.push({ kind: "event", event });
  }

  #event(
    level: CoreEvent["level"],
    name: string,
    text: string,
    fields: CoreEvent["fields"],
  ): void {
    this.#effects.push({ kind: "event", event: { level, name, text, fields } });
  }

  #nextDeadline(now: Millis): Millis {
    let next = Math.min(this.#pulse.nextAt, this.#nextLook);
    const notBefore = (time: Millis) => {
      if (time > now && time < next) next = time;
    };
    notBefore(this.#forwarding.nextAt);
    notBefore(this.#lease.until - this.#detectionMs / 4); // it runs low
    notBefore(this.#lease.until);
    notBefore(this.#lease.lostForGoodAt(this.#graceMs));
    const patience = patienceMs({
      intervalMs: this.#options.intervalMs,
      detectionMs: this.#detectionMs,
      guardMs: this.#guardMs,
    });
    for (const peer of this.#membership.heard()) {
      notBefore(this.#membership.diesAt(peer));
      notBefore(missedAt(peer));
      notBefore(peer.lastHeard + patience); // it is left out, and may have ended the lease
    }
    return Math.max(now, next);
  }

  #nextLookAfter(now: Millis): Millis {
    const times = [
      ...this.#planning.nextAt,
      this.#inheritsFrom,
      this.#patience.nextAt,
      ...(this.#state === "joining" ? this.#admission.nextAt : []),
      this.#fitness.verdictUntil,
    ];
    return Math.min(...times.filter((time) => time > now));
  }
}

/**
 * A peer that takes our buckets when it does not hear us, or did so before it began to drain. One that
 * forfeited has let go of everything and waits for a plan.
 */
function couldTakeOver({ heartbeat: { state, forfeited } }: Peer): boolean {
  return (state === "ready" || state === "draining") && !forfeited;
}

function companyIn(heard: readonly Peer[]): Company {
  if (heard.length === 0) return "nobody";
  return heard.some(({ heartbeat }) => heartbeat.leaseHeld) ? "serving" : "idle";
}

/** When a heartbeat of a peer is overdue by half its interval. */
function missedAt({ lastHeard, heartbeat }: Peer): Millis {
  return lastHeard + 1.5 * heartbeat.intervalMs;
}
