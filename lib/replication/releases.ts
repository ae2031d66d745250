/**
 * Releases that have been ordered and not ended: each waits until the packets inside this node have
 * left it, is sent behind all else, and ends with the peer's answer or with its stream.
 */
import type { BucketSet } from "../ownership/bucket_set.ts";
import type { Millis, ReleaseOrder } from "../ports.ts";
import type { Sender } from "./sender.ts";

/** Packets inside this node have left it so long after its bits were cleared. */
export const settleMs = 2;

interface Release {
  readonly order: ReleaseOrder;
  readonly dueAt: Millis;
  isSent: boolean;
}

export class Releases {
  #releases: readonly Release[] = [];
  readonly #done: (order: ReleaseOrder, acknowledged: boolean) => void;

  constructor(done: (order: ReleaseOrder, acknowledged: boolean) => void) {
    this.#done = done;
  }

  /**
   * `isOpen`: whether there is a stream to the new owner; without one the release ends here. `offAt`: since
   * when the frames of its buckets are off.
   */
  begin(order: ReleaseOrder, isOpen: boolean, offAt: Millis): void {
    if (!isOpen) this.#done(order, false);
    else this.#releases = [...this.#releases, { order, dueAt: offAt + settleMs, isSent: false }];
  }

  /** When the next one is to be sent; `Infinity` where none waits. */
  get dueAt(): Millis {
    return Math.min(...this.#releases.map(({ isSent, dueAt }) => isSent ? Infinity : dueAt));
  }

  /** Sends those that are due; the events must have been read to their end since. */
  send(now: Millis, senderTo: (peer: string) => Sender | null): void {
    for (const release of this.#releases) {
      if (release.isSent || now < release.dueAt) continue;
      const { to, buckets, epoch } = release.order;
      release.isSent = senderTo(to)?.release(buckets, epoch, now) ?? false;
      if (!release.isSent) this.#end(release, false);
    }
  }

  /** The new owner has answered. */
  acknowledge(peer: string, buckets: BucketSet, epoch: number): void {
    const release = this.#releases.find(({ order, isSent }) =>
      isSent && order.to === peer && order.epoch === epoch && order.buckets.equals(buckets)
    );
    if (release !== undefined) this.#end(release, true);
  }

  /** The stream to `peer` has ended. */
  breakOff(peer: string): void {
    for (const release of this.#releases) {
      if (release.order.to === peer) this.#end(release, false);
    }
  }

  #end(release: Release, acknowledged: boolean): void {
    this.#releases = this.#releases.filter((other) => other !== release);
    this.#done(release.order, acknowledged);
  }
}
