/**
 * One reading of the whole table that serves everybody who waits for one: bulks to all peers, sweeps
 * behind bulks of peers, removal of lost buckets, timeouts after a takeover, and the counts.
 */
import type { FlowRecord } from "../netlink/flow_record.ts";
import { BucketSet } from "../ownership/bucket_set.ts";
import { Batch, batchMax, type Conntrack, type DumpProgress, type Operation } from "./conntrack.ts";
import type { Sweep } from "./replica.ts";

export interface ScanSettings {
  readonly conntrack: Conntrack;
  /** It can be continued after it had to wait. */
  readonly more: () => void;
  /** null: a flow of this node itself, which no cluster has to do with. */
  readonly bucketOf: (flow: FlowRecord) => number | null;
  readonly claims: BucketSet;
  /** Whether a flow is an open connection of a service on this node. */
  readonly isOpen: (flow: FlowRecord) => boolean;
  /** Buckets that peers are being sent. */
  readonly bulked: BucketSet;
  /** Sends a flow of such a bucket. */
  readonly bulk: (flow: FlowRecord, bucket: number) => void;
  readonly sweeps: readonly Sweep[];
  /** Buckets of which nothing may stay here. */
  readonly lost: BucketSet;
  /** Buckets whose held entries go back to normal timeouts. */
  readonly taken: BucketSet;
}

export interface FlowCounts {
  /** Entries of buckets that this node claims. */
  readonly flows: number;
  /** Entries that it holds for others. */
  readonly foreign: number;
}

export class Scan {
  readonly #settings: ScanSettings;
  readonly #batch = new Batch(batchMax);
  /** Claimed buckets with open connections of services on this node. */
  readonly busy = BucketSet.empty();
  #flows = 0;
  #foreign = 0;
  #removed = 0;

  constructor(settings: ScanSettings) {
    this.#settings = settings;
    settings.conntrack.beginDump(settings.more);
  }

  get counts(): FlowCounts {
    return { flows: this.#flows, foreign: this.#foreign };
  }

  /** Stale entries that were removed. */
  get removed(): number {
    return this.#removed;
  }

  /** For whom it reads. */
  get settings(): Pick<ScanSettings, "sweeps" | "lost" | "taken"> {
    return this.#settings;
  }

  /** Gives it up before the table's end. */
  abandon(): void {
    this.#settings.conntrack.abandonDump();
  }

  /** Reads on. */
  continue(budgetMs: number): DumpProgress {
    const progress = this.#settings.conntrack.continueDump(this.#take, budgetMs);
    this.#flush();
    return progress;
  }

  readonly #take = (flow: FlowRecord): void => {
    const settings = this.#settings;
    const bucket = settings.bucketOf(flow);
    if (bucket === null) return;
    const isClaimed = settings.claims.has(bucket);
    if (isClaimed) this.#flows++;
    else this.#foreign++;
    if (isClaimed && settings.isOpen(flow)) this.busy.add(bucket);
    if (settings.bulked.has(bucket)) settings.bulk(flow, bucket);
    if (isClaimed) {
      if (settings.taken.has(bucket)) this.#settle(flow);
    } else if (settings.lost.has(bucket) || this.#isStale(flow, bucket)) {
      this.#foreign--;
      this.#removed++;
      this.#write("delete", flow);
    }
  };

  #isStale(flow: FlowRecord, bucket: number): boolean {
    for (const sweep of this.#settings.sweeps) {
      if (sweep.buckets.has(bucket) && !sweep.seen.has(flow)) return true;
    }
    return false;
  }

  /** Only an entry that no packet has touched since is above its normal timeout. */
  #settle(flow: FlowRecord): void {
    const normal = this.#settings.conntrack.normalTimeoutS(flow);
    if (flow.timeoutS <= normal) return;
    flow.timeoutS = normal;
    this.#write("timeout", flow);
  }

  #write(operation: Operation, flow: FlowRecord): void {
    this.#batch.add(operation).copyFrom(flow);
    if (this.#batch.isFull) this.#flush();
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    this.#settings.conntrack.inject(this.#batch);
    this.#batch.clear();
  }
}
