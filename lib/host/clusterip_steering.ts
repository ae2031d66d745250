/**
 * Steering by CLUSTERIP slots.
 *
 * The kernel knows no lease here: what is on stays on. So the lease is kept in the core's own loop,
 * which lets it `expire` at every turn. That stops a node that is cut off in time; a daemon that
 * hangs or is killed stops nothing.
 */
import type { Millis, Steering, SteeringState } from "../ports.ts";
import { BucketSet } from "../ownership/bucket_set.ts";
import { bucketsOf, wholeUnits } from "../ownership/units.ts";
import { type SlotFiles, slotFiles } from "./clusterip_kernel.ts";
import { ClusteripSlots } from "./clusterip_slots.ts";
import { noteTaken } from "./clusterip_taken.ts";
import { now } from "./clock.ts";

/** How the core's thread comes to its steering. */
export interface ClusteripReference {
  readonly kind: "clusterip";
  /** The shared addresses. */
  readonly addresses: readonly string[];
  readonly totalNodes: number;
  /** Slots that were on before any daemon, to be taken over as they are. */
  readonly found: readonly number[];
  readonly runDir: string;
}

/** How often the kernel is compared with what it was told. */
const mendEveryMs = 1000;

export function openClusteripSteering(reference: ClusteripReference): Steering {
  return new ClusteripSteering(reference, {
    files: slotFiles,
    now,
    taken: () => noteTaken(reference.runDir),
  });
}

export interface ClusteripHost {
  readonly files: SlotFiles;
  readonly now: () => Millis;
  /** Called before the first change: what is on is ours from here. */
  readonly taken: () => void;
}

export class ClusteripSteering implements Steering {
  readonly #slots: ClusteripSlots;
  readonly #totalNodes: number;
  readonly #host: ClusteripHost;
  #responsibility: BucketSet;
  #epoch = 0;
  #until: Millis;
  /** What the kernel was told last. */
  #told: readonly number[];
  #isTaken = false;
  #mendAt: Millis = Infinity;

  constructor(reference: Omit<ClusteripReference, "kind" | "runDir">, host: ClusteripHost) {
    const { addresses, totalNodes, found } = reference;
    this.#slots = new ClusteripSlots(addresses, host.files);
    this.#totalNodes = totalNodes;
    this.#host = host;
    this.#told = found;
    this.#responsibility = bucketsOf(found.map((slot) => slot - 1), totalNodes);
    // Nobody limits what was on before us, until the cluster is met and gives a lease.
    this.#until = found.length > 0 ? Infinity : 0;
  }

  /** A slot is on when all of its buckets are held; buckets come and go by whole slots. */
  setResponsibility(buckets: BucketSet, epoch: number): void {
    this.#responsibility = buckets.clone();
    this.#epoch = epoch;
    this.#tell(this.#host.now());
  }

  setLease(until: Millis): void {
    this.#until = until;
    this.#tell(this.#host.now());
  }

  expire(now: Millis): void {
    this.#tell(now);
    if (now >= this.#mendAt) this.#switch(now);
  }

  current(): SteeringState {
    const on = (this.#slots.current() ?? []).map((slot) => slot - 1);
    const responsibility = bucketsOf(on, this.#totalNodes);
    return { responsibility, leaseUntil: this.#until, epoch: this.#epoch };
  }

  #tell(now: Millis): void {
    const wanted = now < this.#until
      ? wholeUnits(this.#responsibility, this.#totalNodes).map((unit) => unit + 1)
      : [];
    if (wanted.join() === this.#told.join()) return;
    this.#told = wanted;
    this.#switch(now);
  }

  #switch(now: Millis): void {
    this.#slots.switchTo(this.#told, () => this.#take());
    this.#mendAt = this.#isTaken ? now + mendEveryMs : Infinity;
  }

  #take(): void {
    if (this.#isTaken) return;
    this.#host.taken();
    this.#isTaken = true;
  }
}
