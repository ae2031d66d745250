/** One simulated machine: its core, its clock, and the kernel below it. */
import type { Node } from "../../lib/node.ts";
import type { CoreEvent, Input } from "../../lib/node_types.ts";
import { bucketCount, BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { Millis, ReplicationOrders } from "../../lib/ports.ts";

export class Machine {
  core: Node | null = null;
  incarnation = "";
  /** Of the protocol that its program speaks. */
  version: 1 | 2 = 2;
  /** The datapath: it outlives a core that crashes. */
  responsibility = BucketSet.empty();
  /** By this machine's own clock. */
  leaseUntil: Millis = 0;
  orders: ReplicationOrders | null = null;
  /** The process is not run; the kernel goes on. */
  paused = false;
  /** The whole machine stands still; its clock is right again when it goes on. */
  frozen = false;
  /** Since when core and kernel go on. */
  runsSince = -Infinity;
  /** When core and kernel last went on; Infinity: they do. */
  ranUntil = Infinity;
  /** When they last stopped going on, if they have gone on again since. */
  stoodStillAt = -Infinity;
  /** When it is woken next; Infinity: that is not arranged. */
  wakesAt = Infinity;
  /** The core has left. */
  stopped = false;
  /** A core that was started ignores what was meant for the one before. */
  generation = 0;
  /** How new the flows of each bucket are that the kernel knows. */
  readonly flows = new Float64Array(bucketCount);
  readonly events: { at: Millis; event: CoreEvent }[] = [];
  readonly backlog: Input[] = [];
  /** What other nodes had this one do, and what came of its own requests to others. */
  readonly executed: string[] = [];
  readonly forwarded = new Map<number, { answer: string } | { error: string }>();
  /** When its newest heartbeat left, and since when it has not been silent. */
  spokeAt = -Infinity;
  speaksSince = -Infinity;
  /** When its newest messages left, by kind. */
  readonly sent: { readonly heartbeats: number[]; readonly plans: number[] } = {
    heartbeats: [],
    plans: [],
  };
  #clockAtZero = 0;
  #clockRate = 1;

  constructor(readonly name: string, readonly index: number) {}

  /** The clock shows `atZero` at the simulation's start, and runs at `rate`. */
  setClock(atZero: Millis, rate: number): void {
    this.#clockAtZero = atZero;
    this.#clockRate = rate;
  }

  /** What its clock shows. */
  clock(now: number): Millis {
    return this.#clockAtZero + now * this.#clockRate;
  }

  /** When its clock will show `time`. */
  whenClockShows(time: Millis): number {
    return (time - this.#clockAtZero) / this.#clockRate;
  }

  handles(bucket: number, now: number): boolean {
    return this.handled(now)?.has(bucket) ?? false;
  }

  /** What it handles; null: nothing. */
  handled(now: number): BucketSet | null {
    return !this.frozen && this.clock(now) < this.leaseUntil ? this.responsibility : null;
  }
}
