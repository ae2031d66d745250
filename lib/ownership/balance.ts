/**
 * Owners by which the traffic is even, not only the number of buckets.
 *
 * Intuition: hot buckets are exchanged for cold ones, so that everybody keeps as many buckets as the
 * planner lets stand. So the planner has nothing to correct afterwards: it moves nothing back. A
 * single bucket that has more traffic than a node's share cannot be divided; then its owner is left
 * with as little else as its number of buckets allows. What comes out is what no single exchange
 * betters; with a hot bucket on a node of little weight that may not be the best there is.
 */
import type { Candidate, LoadBounds, PlannerInput } from "./planner.ts";
import { boundsOf, planRanks } from "./planner.ts";

/** A node's traffic may differ from its share by this part of it: closer is noise. */
const toleranceOf = (share: number) => share * 0.05;
/** A step has to bring at least this part of the mean bucket's traffic: idle ones stay. */
const worthwhile = 0.1;
/** So much of the difference of two nodes goes over at most: beyond, they would just change places. */
const overshoot = 0.75;
/** Exchanges at most; each moves two buckets. So all fit one request to another node. */
const stepsMax = 64;

/**
 * For each bucket its owner (the index of a candidate): what the planner would do by itself, changed
 * by exchanges and moves within its bounds. `load`: the traffic of each bucket, in any unit.
 * Asked again about the result, it changes nothing, unless there was more to do than fits one answer.
 */
export function balancedOwners(input: PlannerInput, load: readonly number[]): number[] {
  const owners = planRanks(input).map(([owner]) => owner);
  const traffic = new Traffic(input.candidates, owners, load);
  for (let step = 0; step < stepsMax && traffic.isUneven; step++) {
    const best = traffic.bestStep(input.backups);
    if (best === null) break;
    traffic.take(best);
  }
  return traffic.owners;
}

interface Step {
  readonly from: number;
  readonly to: number;
  /** Goes from `from` to `to`. */
  readonly bucket: number;
  /** Goes back in exchange; null: nothing. */
  readonly back: number | null;
}

class Traffic {
  readonly owners: number[];
  readonly #candidates: readonly Candidate[];
  readonly #load: readonly number[];
  readonly #bounds: readonly LoadBounds[];
  /** How much traffic each should have, and has above that. */
  readonly #shares: readonly number[];
  readonly #excess: number[];
  readonly #counts: number[];

  constructor(
    candidates: readonly Candidate[],
    owners: readonly number[],
    load: readonly number[],
  ) {
    this.owners = [...owners];
    this.#candidates = candidates;
    this.#load = load;
    this.#bounds = boundsOf(candidates, owners.length);
    const total = load.reduce((sum, each) => sum + each, 0);
    const totalWeight = candidates.reduce((sum, { weight }) => sum + weight, 0);
    this.#shares = candidates.map(({ weight }) => total * weight / totalWeight);
    this.#excess = this.#shares.map((share) => -share);
    this.#counts = candidates.map(() => 0);
    owners.forEach((owner, bucket) => {
      this.#excess[owner] += load[bucket];
      this.#counts[owner]++;
    });
  }

  get isUneven(): boolean {
    return this.#excess.some((excess, i) => excess > toleranceOf(this.#shares[i]));
  }

  /** The step that lowers the sum of the squared excesses most; null where none is worthwhile. */
  bestStep(backups: readonly (readonly number[])[]): Step | null {
    const total = this.#shares.reduce((sum, share) => sum + share, 0);
    const differenceMin = total / this.owners.length * worthwhile;
    let best: Step | null = null, bestGain = 0, isBestKnown = false;
    for (const step of this.#steps()) {
      const difference = this.#load[step.bucket] - (step.back === null ? 0 : this.#load[step.back]);
      const gap = this.#excess[step.from] - this.#excess[step.to];
      if (difference < differenceMin || difference > gap * overshoot) continue;
      const gain = difference * (gap - difference);
      if (gain < bestGain || gain <= 0) continue;
      // Of equal ones, rather one whose flows the new owner holds already.
      const isKnown = backups[step.bucket].includes(step.to);
      if (gain === bestGain && (isBestKnown || !isKnown)) continue;
      best = step, bestGain = gain, isBestKnown = isKnown;
    }
    return best;
  }

  take({ from, to, bucket, back }: Step): void {
    this.#move(bucket, from, to);
    if (back !== null) this.#move(back, to, from);
  }

  #move(bucket: number, from: number, to: number): void {
    this.owners[bucket] = to;
    this.#counts[from]--;
    this.#counts[to]++;
    this.#excess[from] -= this.#load[bucket];
    this.#excess[to] += this.#load[bucket];
  }

  /** All steps from those that are above their share to the others that may gain. */
  *#steps(): Generator<Step> {
    const buckets = this.#candidates.map((_, owner) =>
      this.owners.flatMap((each, bucket) => each === owner ? [bucket] : [])
    );
    for (let from = 0; from < buckets.length; from++) {
      if (this.#excess[from] <= toleranceOf(this.#shares[from])) continue;
      for (const [to, { canGain }] of this.#candidates.entries()) {
        if (to === from || !canGain) continue;
        const hasRoom = this.#counts[to] + 1 <= this.#bounds[to].most &&
          this.#counts[from] - 1 >= this.#bounds[from].least;
        const backs: (number | null)[] = this.#candidates[from].canGain ? [...buckets[to]] : [];
        if (hasRoom) backs.push(null);
        for (const bucket of buckets[from]) {
          for (const back of backs) yield { from, to, bucket, back };
        }
      }
    }
  }
}
