/**
 * The sending half of one stream: which buckets the peer is told of, and which of them it is proven
 * to have.
 *
 * A bucket's way: wanted (the peer shall hold it) -> bulking (BULK_BEGIN is sent, a dump runs; from here
 * on its events are sent) -> ended (BULK_END is sent) -> bulked (BULK_END is acknowledged). A bucket
 * that is no longer wanted leaves from wherever it is.
 */
import { BucketSet } from "../ownership/bucket_set.ts";
import { messageType, u64 } from "./messages.ts";
import { Outbox } from "./outbox.ts";

export interface SenderSettings {
  /** How much may wait for this peer; beyond, its queue is dropped and sent anew. */
  readonly queueBytesMax: number;
  /** An older message without acknowledgement makes everything unproven. */
  readonly lagMsMax: number;
  /** false: no flows are sent, and nothing needs to be proven. */
  readonly enabled: boolean;
}

/** How long after a peer had no room everything is sent anew. */
const refusedPauseMs = 10_000;

export class Sender {
  readonly outbox: Outbox;
  readonly #settings: SenderSettings;
  #claims = BucketSet.empty();
  #wanted = BucketSet.empty();
  #sending = BucketSet.empty();
  #bulking = BucketSet.empty();
  #bulked = BucketSet.empty();
  /** Behind their RELEASE nothing more is said of these: they are the peer's. */
  #released = BucketSet.empty();
  #ends: { readonly position: number; buckets: BucketSet; readonly refusedBefore: number }[] = [];
  #allSent = false;
  /** Flows that the peer had no room for: in all, and as the bulk that runs began. */
  #refused = 0;
  #refusedBefore = 0;
  #isRefused = false;
  #retryAt = 0;
  #isDrained = true;
  #overflows = 0;

  constructor(settings: SenderSettings) {
    this.#settings = settings;
    this.outbox = new Outbox(settings.queueBytesMax);
  }

  /** How often the queue was dropped. */
  get overflows(): number {
    return this.#overflows;
  }

  /** Buckets of this node, and those of them that the peer shall hold. */
  setWanted(claims: BucketSet, holds: BucketSet): void {
    this.#claims = claims;
    this.#wanted = claims.intersection(holds);
    this.#sending = this.#sending.intersection(this.#wanted);
    this.#bulking = this.#bulking.intersection(this.#wanted);
    this.#bulked = this.#bulked.intersection(this.#wanted);
    this.#released = this.#released.intersection(this.#wanted);
    for (const end of this.#ends) end.buckets = end.buckets.intersection(this.#wanted);
  }

  /** Buckets that a dump should send now. */
  pending(now: number): BucketSet {
    if (!this.#settings.enabled) return BucketSet.empty();
    if (this.#retryAt !== 0 && now >= this.#retryAt) this.restart();
    // A peer that reads slowly first has to read what it was sent.
    if (!this.#isDrained && !this.outbox.isEmpty) return BucketSet.empty();
    return this.#wanted.difference(this.#sending).difference(this.#released);
  }

  beginBulk(buckets: BucketSet, now: number): void {
    this.#isDrained = true;
    this.#refusedBefore = this.#refused;
    this.#bulking = buckets.clone();
    this.#sending = this.#sending.union(buckets);
    this.#put(messageType.bulkBegin, buckets.toBytes(), now);
  }

  get isBulking(): boolean {
    return !this.#bulking.isEmpty;
  }

  wantsDump(bucket: number): boolean {
    return this.#bulking.has(bucket);
  }

  wantsEvents(bucket: number): boolean {
    return this.#sending.has(bucket) && !this.#released.has(bucket);
  }

  /** A flow's message, already encoded in `body`. */
  flow(type: number, body: Uint8Array, bodyBytes: number, now: number): void {
    if (!this.outbox.put(type, body, bodyBytes, now)) this.#overflow();
  }

  /** The dump has ended: what it did not name is stale at the peer. */
  endBulk(now: number): void {
    if (this.#bulking.isEmpty) return;
    const buckets = this.#bulking;
    this.#bulking = BucketSet.empty();
    if (!this.#put(messageType.bulkEnd, buckets.toBytes(), now)) return;
    const refusedBefore = this.#refusedBefore;
    this.#ends.push({ position: this.outbox.lastPosition, buckets, refusedBefore });
  }

  /** The dump was given up: what it was to send is sent by another one. */
  abandonBulk(): void {
    this.#sending = this.#sending.difference(this.#bulking);
    this.#bulking = BucketSet.empty();
  }

  /** Says ALL_SENT, once, as soon as the peer has been sent everything that this node claims. */
  sayAllSent(now: number): void {
    const complete = !this.#settings.enabled ||
      this.#bulking.isEmpty && this.#sending.isSupersetOf(this.#claims);
    if (complete && !this.#allSent) {
      this.#allSent = this.#put(messageType.allSent, new Uint8Array(0), now);
    }
  }

  /**
   * Puts RELEASE behind everything that was said; false where there was no room, or where this stream
   * has not carried all flows of these buckets (the order was given when another one had).
   */
  release(buckets: BucketSet, epoch: number, now: number): boolean {
    const isCarried = !this.#isRefused && this.#bulked.isSupersetOf(buckets);
    if (this.#settings.enabled && !isCarried) return false;
    const body = new Uint8Array(40);
    body.set(u64(epoch));
    body.set(buckets.toBytes(), 8);
    if (!this.#put(messageType.release, body, now)) return false;
    this.#released = this.#released.union(buckets);
    return true;
  }

  /** The peer's ACK; false where it cannot be right. `refused`: flows it had no room for, in all. */
  acknowledge(position: number, refused: number, now: number): boolean {
    if (!this.outbox.acknowledge(position)) return false;
    if (refused !== this.#refused) {
      this.#refused = refused;
      this.#isRefused = true;
      this.#retryAt = now + refusedPauseMs;
    }
    while (this.#ends.length > 0 && this.#ends[0].position <= position) {
      const { buckets, refusedBefore } = this.#ends.shift()!;
      if (refused === refusedBefore) this.#bulked = this.#bulked.union(buckets);
    }
    return true;
  }

  /** Of the buckets that the peer shall hold, those that it has, but for what is on its way. */
  proven(now: number): BucketSet {
    if (this.outbox.lagMs(now) > this.#settings.lagMsMax) return BucketSet.empty();
    if (!this.#settings.enabled) return this.#wanted;
    return this.#isRefused ? BucketSet.empty() : this.#bulked;
  }

  /** Whether everything that the peer shall hold is proven. */
  isSafe(now: number): boolean {
    return this.proven(now).isSupersetOf(this.#wanted);
  }

  /** Nothing that was sent counts any more; all is sent anew. */
  restart(): void {
    this.#sending = BucketSet.empty();
    this.#bulking = BucketSet.empty();
    this.#bulked = BucketSet.empty();
    this.#ends = [];
    this.#retryAt = 0;
    this.#isRefused = false;
  }

  #put(type: number, body: Uint8Array, now: number): boolean {
    if (this.outbox.put(type, body, body.length, now)) return true;
    this.#overflow();
    return false;
  }

  #overflow(): void {
    this.#overflows++;
    this.outbox.drop();
    this.restart();
    this.#isDrained = false;
  }
}
