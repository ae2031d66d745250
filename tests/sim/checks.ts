/**
 * What must hold in a simulated cluster, looked at from outside: it knows the machines, the network and
 * the time, and nothing of what the cores think.
 */
import { bucketCount, BucketSet } from "../../lib/ownership/bucket_set.ts";
import { heartbeatType } from "../../lib/wire/heartbeat.ts";
import { planPartType } from "../../lib/wire/plan_parts.ts";
import type { Machine } from "./machine.ts";
import type { Network } from "./network.ts";

interface World {
  readonly now: number;
  readonly machines: readonly Machine[];
  readonly network: Network;
  readonly intervalMs: number;
  readonly detectionMs: number;
  readonly partition: "serve" | "majority";
}

const reportsMax = 20;
/**
 * More messages than a node may send in nine tenths of an interval: heartbeats, the last ones of a node that
 * leaves among them; and first parts of plans, of which one is due, and another one for each plan that comes.
 */
const tooMany = { heartbeats: 12, plans: 5 };
/** Where a part of a plan has its number. */
const planPartIndexAt = 17;
/** A node that has sent no heartbeat for so many intervals says nothing. */
const silence = 1.5;

export class Checks {
  /** Two valid leases on one bucket, state that came late, messages that were too many. */
  readonly violations: string[] = [];
  /** The longest time that a bucket was handled by nobody, since `resetGaps`. */
  gapMsMax = 0;
  /** How often a bucket went from one machine to another since `resetMoves`, by bucket. */
  readonly moves = new Uint16Array(bucketCount);
  /** The place of a machine that is cut off: what it handles is no part of the cluster's. */
  outside = -1;
  /** Before that, datapaths are on that nobody has agreed upon. */
  disorderUntil = 0;
  readonly #handler = new Int16Array(bucketCount).fill(-1);
  readonly #gapSince = new Float64Array(bucketCount).fill(Infinity);
  /** Which start has ever reached which, and when it first did. */
  readonly #reached = new Map<string, number>();
  /** How new a bucket's flows were where it was handed over; -1: it was not, or its receiver has it. */
  readonly #released = new Float64Array(bucketCount).fill(-1);
  /** How new they were where its handler took it. */
  readonly #taken = new Float64Array(bucketCount);
  readonly #takenAt = new Float64Array(bucketCount);
  readonly #orderedAt = new Float64Array(bucketCount);
  readonly #receiver = new Int16Array(bucketCount).fill(-1);
  #isChanged = true;
  #nextExpiry = 0;

  constructor(readonly world: World) {}

  /** Something about who handles what may be different. */
  changed(): void {
    this.#isChanged = true;
  }

  reached(from: string, to: string): void {
    const key = `${from}>${to}`;
    if (!this.#reached.has(key)) this.#reached.set(key, this.world.now);
  }

  resetGaps(): void {
    this.gapMsMax = 0;
    this.#gapSince.fill(Infinity);
    this.#isChanged = true;
  }

  resetMoves(): void {
    this.moves.fill(0);
  }

  /** The place of the machine that handles a bucket, or did so last; -1: none ever did. */
  handlerOf(bucket: number): number {
    return this.#handler[bucket];
  }

  /** Buckets are switched off, to be handed over. */
  ordered(buckets: BucketSet): void {
    for (const bucket of buckets) this.#orderedAt[bucket] = this.world.now;
  }

  /**
   * They are handed over; `flows`: how new each bucket's were when they were switched off. What others
   * send there later, such as those who held it in another part of the network, is no part of it.
   */
  released(to: Machine, buckets: BucketSet, flows: Float64Array): void {
    for (const bucket of buckets) {
      this.#released[bucket] = flows[bucket];
      this.#receiver[bucket] = to.index;
      const isTaken = this.#handler[bucket] === to.index &&
        this.#takenAt[bucket] > this.#orderedAt[bucket];
      if (isTaken && this.#taken[bucket] < flows[bucket]) {
        this.violate(`${to.name} took bucket ${bucket} before it was handed over`);
      }
    }
  }

  /** Power loss: what was handed over to a machine has gone with it. */
  lost({ index }: Machine): void {
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      if (this.#receiver[bucket] === index) this.#receiver[bucket] = -1;
    }
  }

  /** After every event. */
  look(): void {
    const { now, machines } = this.world;
    if (!this.#isChanged && now < this.#nextExpiry) return;
    this.#isChanged = false;
    this.#nextExpiry = Infinity;
    let once = BucketSet.empty(), twice = BucketSet.empty();
    const sets = machines.map((machine) => {
      const handled = machine.handled(now);
      if (handled === null) return null;
      this.#nextExpiry = Math.min(this.#nextExpiry, machine.whenClockShows(machine.leaseUntil));
      twice = twice.union(once.intersection(handled));
      once = once.union(handled);
      return handled;
    });
    for (const bucket of twice) {
      this.#checkPairs(bucket, machines.filter((_, i) => sets[i]?.has(bucket)));
    }
    if (this.outside >= 0 && sets[this.outside] !== null) {
      sets[this.outside] = null;
      once = sets.reduce<BucketSet>((all, set) => set?.union(all) ?? all, BucketSet.empty());
    }
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      if (!once.has(bucket)) {
        if (this.#gapSince[bucket] === Infinity) this.#gapSince[bucket] = now;
        this.gapMsMax = Math.max(this.gapMsMax, now - this.#gapSince[bucket]);
        continue;
      }
      if (this.#gapSince[bucket] !== Infinity) {
        this.gapMsMax = Math.max(this.gapMsMax, now - this.#gapSince[bucket]);
        this.#gapSince[bucket] = Infinity;
      }
      const before = this.#handler[bucket];
      if (before >= 0 && sets[before]?.has(bucket)) {
        this.#receiver[bucket] = -1; // it was handed over, not taken, and taken back
        continue;
      }
      const handler = sets.findIndex((set) => set?.has(bucket));
      this.#handler[bucket] = handler;
      if (before >= 0) this.moves[bucket]++;
      this.#checkState(bucket, machines[handler]);
    }
  }

  /** A bucket that was handed over came with all its state. */
  #checkState(bucket: number, handler: Machine): void {
    this.#taken[bucket] = handler.flows[bucket];
    this.#takenAt[bucket] = this.world.now;
    if (
      this.#receiver[bucket] === handler.index && handler.flows[bucket] < this.#released[bucket]
    ) {
      this.violate(
        `${handler.name} took bucket ${bucket} with state ${handler.flows[bucket]}, ` +
          `and ${this.#released[bucket]} was handed over`,
      );
    }
    this.#receiver[bucket] = -1;
  }

  #checkPairs(bucket: number, handlers: readonly Machine[]): void {
    for (const a of handlers) {
      for (const b of handlers) {
        if (a === b || !this.#mayNot(a, b)) continue;
        this.violate(`${a.name} and ${b.name} both handle bucket ${bucket}`);
      }
    }
  }

  /** Whether `a` may not handle what `b` handles. */
  #mayNot(a: Machine, b: Machine): boolean {
    const { now, network, partition, detectionMs } = this.world;
    if (now < this.disorderUntil) return false;
    if (partition === "majority") return true;
    // Starts that never heard each other both ways cannot tell a live peer from a recording.
    const reached = (from: Machine, to: Machine) =>
      this.#reached.get(`${from.incarnation}>${to.incarnation}`) ?? Infinity;
    if (now - Math.max(reached(a, b), reached(b, a)) <= detectionMs) return false;
    // A deaf node takes over from all that it does not hear; a larger group does not yield to it, and
    // one whose others have just died knows that a detection time later, and its lease is as long.
    if (this.#isDeaf(b) && this.#running(2 * detectionMs).length > 2) return false;
    // What both sides of a cut have come to hold meets when it heals: then one of them hears it soon,
    // unless it stands still.
    if (this.#isYetToHear(a, b) || this.#isYetToHear(b, a)) return false;
    return now - network.reachesSince(b.index, a.index) > detectionMs;
  }

  /** It came to stand still before it had run for a detection time with the other one in reach. */
  #isYetToHear(machine: Machine, other: Machine): boolean {
    const { now, network, detectionMs } = this.world;
    const { ranUntil, stoodStillAt, runsSince } = machine;
    const since = network.reachesSince(other.index, machine.index);
    const [stopped, ranAgain] = ranUntil < Infinity
      ? [ranUntil, 0]
      : [stoodStillAt, now - runsSince];
    return stopped > since && stopped - since + ranAgain < detectionMs;
  }

  /** Those that run, or did so not long ago. */
  #running(agoMs = 0): readonly Machine[] {
    const { machines, now } = this.world;
    return machines.filter(({ core, ranUntil }) =>
      core !== null && ranUntil === Infinity || now - ranUntil < agoMs
    );
  }

  /** Nobody reaches it, or nobody has for a detection time; who says nothing reaches nobody. */
  #isDeaf(machine: Machine): boolean {
    const { now, network, detectionMs, intervalMs } = this.world;
    return this.#running().every((other) => {
      const reachedSince = network.reachesSince(other.index, machine.index);
      const since = Math.max(reachedSince, other.runsSince, other.speaksSince);
      return other === machine || now - since <= detectionMs ||
        now - other.spokeAt > silence * intervalMs;
    });
  }

  /** A message leaves. */
  sent(machine: Machine, message: Uint8Array): void {
    if (message[0] === planPartType && message[planPartIndexAt] === 0) {
      this.#count(machine, "plans");
    }
    if (message[0] !== heartbeatType) return;
    this.#count(machine, "heartbeats");
    const { now, intervalMs } = this.world;
    if (now - machine.spokeAt > silence * intervalMs) machine.speaksSince = now;
    machine.spokeAt = now;
  }

  #count({ name, sent }: Machine, kind: keyof typeof tooMany): void {
    const { now, intervalMs } = this.world, times = sent[kind], count = tooMany[kind];
    times.push(now);
    if (times.length > count) times.shift();
    if (times.length === count && now - times[0] < intervalMs * 0.9) {
      this.violate(`${name} sent ${count} ${kind} in ${(now - times[0]).toFixed(1)} ms`);
    }
  }

  violate(text: string): void {
    if (this.violations.length >= reportsMax) return;
    this.violations.push(`${this.world.now.toFixed(1)}: ${text}`);
  }
}
