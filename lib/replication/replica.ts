/**
 * The receiving half of one stream: state messages in, entries of this kernel out.
 *
 * Entries of other nodes are held long (`heldTimeoutS`): no event tells that a flow lives on at its
 * owner. What ends them is the owner's word, the sweep behind a bulk, the loss of the bucket, or a
 * takeover, which sets them back to normal timeouts.
 *
 * Buckets that this node itself claims are its own truth: for them a peer's flows only add what is
 * missing, and its ends and sweeps are not heeded. Otherwise two nodes that both believe to own a
 * bucket would delete each other's living connections.
 */
import type { BucketSet } from "../ownership/bucket_set.ts";
import { bucketSetBytes } from "../ownership/bucket_set.ts";
import { Batch, batchMax, type Conntrack, type Operation } from "./conntrack.ts";
import { bucketOffset, decodeFlow } from "./flow.ts";
import { FlowSet } from "./flow_set.ts";
import { type Body, firstLinkType, messageType } from "./messages.ts";

/** 23 days: near the longest that the kernel takes (INT_MAX jiffies at 1000 Hz are 24.8 days). */
export const heldTimeoutS = 2_000_000;

/** Replicas leave the rest of the table to live traffic: a full table evicts living flows. */
export const replicaShareMax = 0.8;

/** The table's occupancy is looked at again after so many entries. */
const roomStep = 1024;

/** Entries of `buckets` that are not in `seen` are to be removed; then `done` is called. */
export interface Sweep {
  readonly buckets: BucketSet;
  readonly seen: FlowSet;
  readonly done: () => void;
}

export interface ReplicaSettings {
  readonly conntrack: Conntrack;
  readonly enabled: boolean;
  /** Buckets that this node claims now. */
  readonly claims: () => BucketSet;
  readonly sweep: (sweep: Sweep) => void;
  readonly bulkReceived: () => void;
  readonly released: (buckets: BucketSet, epoch: number) => void;
}

const operations: Readonly<Record<number, Operation>> = {
  [messageType.flowNew]: "create",
  [messageType.flowUpdate]: "update",
  [messageType.flowBulk]: "put",
  [messageType.flowEnd]: "delete",
};

export class Replica {
  readonly #settings: ReplicaSettings;
  readonly #batch = new Batch(batchMax);
  #bulk: { readonly buckets: BucketSet; readonly seen: FlowSet } | null = null;
  #position = 0;
  #refused = 0;
  #failed = 0;
  #malformed = 0;
  #room = 0;
  #refusalsToSkip = 0;
  #isBlocked = false;

  constructor(settings: ReplicaSettings) {
    this.#settings = settings;
  }

  /** Number of the last state message that was taken; in the kernel once `flush` was called. */
  get position(): number {
    return this.#position;
  }

  /** Flows that are missing here for want of room. */
  get refused(): number {
    return this.#refused;
  }

  /** Flows that the kernel would not have. */
  get failed(): number {
    return this.#failed;
  }

  /** State messages that could not be read. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Whether a sweep must end before the next message. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Takes one state message. */
  take(type: number, body: Body): void {
    if (type >= firstLinkType) return;
    this.#position++;
    switch (type) {
      case messageType.flowNew:
      case messageType.flowUpdate:
      case messageType.flowBulk:
      case messageType.flowEnd:
        this.#flow(type, body);
        break;
      case messageType.bulkBegin:
        if (!body.has(bucketSetBytes)) this.#malformed++;
        else this.#bulk = { buckets: body.buckets(0), seen: new FlowSet() };
        break;
      case messageType.bulkEnd:
        if (body.has(bucketSetBytes)) this.#endBulk(body.buckets(0));
        else this.#malformed++;
        break;
      case messageType.allSent:
        this.flush();
        this.#settings.bulkReceived();
        break;
      case messageType.release:
        if (body.has(8 + bucketSetBytes)) {
          this.flush();
          this.#settings.released(body.buckets(8), body.u64(0));
        } else {
          this.#malformed++;
        }
        break;
    }
  }

  #flow(type: number, body: Body): void {
    if (!this.#settings.enabled) return;
    const flow = this.#batch.add(operations[type]);
    if (!decodeFlow(body.bytes, body.view, body.start, body.end, flow)) {
      this.#batch.undo();
      this.#malformed++;
      return;
    }
    const bucket = body.bytes[body.start + bucketOffset];
    const isEnd = type === messageType.flowEnd;
    if (!isEnd && this.#bulk !== null && this.#bulk.buckets.has(bucket)) this.#bulk.seen.add(flow);
    if (this.#settings.claims().has(bucket)) {
      if (isEnd) this.#batch.undo();
      else this.#batch.replaceOperation("add");
    } else if (!isEnd) {
      flow.timeoutS = heldTimeoutS;
      if (!this.#hasRoom()) this.#batch.replaceOperation("change");
    }
    if (this.#batch.isFull) this.flush();
  }

  /** Whether a new entry leaves live traffic its part of the table. */
  #hasRoom(): boolean {
    if (this.#refusalsToSkip > 0) {
      this.#refusalsToSkip--;
      return false;
    }
    if (this.#room <= 0) {
      const { count, max } = this.#settings.conntrack.occupancy();
      const waiting = this.#batch.length - 1;
      this.#room = Math.min(roomStep, Math.floor(max * replicaShareMax) - count - waiting);
      if (this.#room <= 0) {
        this.#refusalsToSkip = roomStep;
        return false;
      }
    }
    this.#room--;
    return true;
  }

  /** Brings everything that was taken into the kernel. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const result = this.#settings.conntrack.inject(this.#batch);
    this.#refused += result.refused;
    this.#failed += result.failed;
    this.#batch.clear();
  }

  #endBulk(buckets: BucketSet): void {
    this.flush();
    const bulk = this.#bulk;
    this.#bulk = null;
    if (bulk === null || !this.#settings.enabled) return;
    this.#isBlocked = true;
    this.#settings.sweep({
      buckets: bulk.buckets.intersection(buckets),
      seen: bulk.seen,
      done: () => this.#isBlocked = false,
    });
  }
}
