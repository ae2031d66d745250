/**
 * Who should own which bucket, and who inherits it.
 *
 * Intuition: ownership is a bin-packing that is already packed. Nothing moves without need: a bucket
 * stays where it is unless its owner is gone, or somebody is so far below its share that moving is
 * worth it. Inheritance is where exactness pays: the buckets of ONE owner must fall evenly on ALL the
 * others, so each owner's buckets are dealt out to heirs in numbers that bring every heir to its fair
 * share of a cluster without that owner. Then a death needs no second move to be balanced.
 *
 * The result is a function of its input alone, and stable: planning its own result changes nothing.
 */
import { bucketCount } from "./bucket_set.ts";
import { firstBucketOf, unitOf } from "./units.ts";

export interface Candidate {
  readonly name: string;
  /** Its share of the buckets is weight / sum of weights; above 0. */
  readonly weight: number;
  /** false: it keeps what it has, and is given nothing. */
  readonly canGain: boolean;
}

export interface PlannerInput {
  /** Those that may own buckets, sorted by name. */
  readonly candidates: readonly Candidate[];
  /** For each bucket the candidate (its index) that has it or is about to; -1 where nobody does. */
  readonly owners: readonly number[];
  /** For each bucket the present backups (indices of candidates), in the order of succession. */
  readonly backups: readonly (readonly number[])[];
  /** How many backups each bucket gets. */
  readonly backupCount: number;
  /** Buckets are dealt in so many whole units (units.ts); by default each for itself. */
  readonly units?: number;
}

/** For each bucket: the owner, then its backups (indices of candidates). */
export function planRanks(input: PlannerInput): number[][] {
  const { units } = input;
  if (units === undefined) return rankAll(input);
  const ranks = rankAll(inUnits(input, units));
  return input.owners.map((_, bucket) => [...ranks[unitOf(bucket, units)]]);
}

/** The same question with a unit in the place of each bucket. */
function inUnits(input: PlannerInput, units: number): PlannerInput {
  const firsts = Array.from({ length: units }, (_, unit) => firstBucketOf(unit, units));
  return {
    ...input,
    owners: firsts.map((first, unit) => {
      const end = firsts[unit + 1] ?? bucketCount;
      return ownerOfMost(input.owners.slice(first, end), input.candidates.length);
    }),
    backups: firsts.map((first) => input.backups[first]),
  };
}

/** Who has the most of some buckets; -1 where nobody has any. */
function ownerOfMost(owners: readonly number[], candidates: number): number {
  const loads = loadsOf(owners, candidates);
  const most = best(candidates, (i) => loads[i]);
  return loads[most] > 0 ? most : -1;
}

/** As `planRanks`; what it deals are the elements of `owners`, be they buckets or units. */
function rankAll(input: PlannerInput): number[][] {
  const owners = planOwners(input);
  const ranks = owners.map((owner) => [owner]);
  const depth = Math.min(input.backupCount, input.candidates.length - 1);
  for (let rank = 1; rank <= depth; rank++) addBackups(input, owners, ranks, rank);
  return ranks;
}

/** Buckets by candidate. */
function loadsOf(owners: readonly number[], candidates: number): number[] {
  const loads = new Array<number>(candidates).fill(0);
  for (const owner of owners) if (owner >= 0) loads[owner]++;
  return loads;
}

/** How many buckets a candidate should have, and between which numbers nothing moves. */
export interface LoadBounds {
  readonly share: number;
  readonly least: number;
  readonly most: number;
}

/** For each candidate, of `count` buckets or units. */
export function boundsOf(
  candidates: readonly Candidate[],
  count: number,
  units?: number,
): LoadBounds[] {
  const totalWeight = candidates.reduce((sum, candidate) => sum + candidate.weight, 0);
  return candidates.map(({ weight, canGain }) => {
    const share = count * weight / totalWeight;
    const slack = slackOf(share, units);
    return { share, least: canGain ? share - slack : 0, most: share + slack };
  });
}

/**
 * A candidate's load may differ from its share by this much before anything moves. Units are so few
 * that each counts: of three units on two nodes, one is owed to a third node.
 */
function slackOf(share: number, units: number | undefined): number {
  return units === undefined ? Math.max(1, share * 0.05) : 0;
}

function planOwners({ candidates, owners, backups, units }: PlannerInput): number[] {
  const planned = [...owners];
  const loads = loadsOf(planned, candidates.length);
  const bounds = boundsOf(candidates, owners.length, units);
  const shares = bounds.map(({ share }) => share);
  const gaining = candidates.map((_, i) => i).filter((i) => candidates[i].canGain);
  const receivers = gaining.length > 0 ? gaining : candidates.map((_, i) => i);
  /** The receiver that is furthest below its share; equal ones by name. */
  const neediest = () =>
    receivers.reduce((best, i) => shares[i] - loads[i] > shares[best] - loads[best] ? i : best);

  for (let bucket = 0; bucket < planned.length; bucket++) {
    if (planned[bucket] >= 0) continue;
    const heir = backups[bucket].find((i) => receivers.includes(i) && loads[i] < shares[i]);
    planned[bucket] = heir ?? neediest();
    loads[planned[bucket]]++;
  }

  const unbalanced = bounds.some(({ least, most }, i) => loads[i] > most || loads[i] < least);
  if (!unbalanced) return planned;
  for (;;) {
    const to = neediest();
    const from = candidates.reduce(
      (best, _, i) => loads[i] - shares[i] > loads[best] - shares[best] ? i : best,
      0,
    );
    // A move is worth it as long as it brings the two nearer to their shares.
    if ((loads[from] - shares[from]) + (shares[to] - loads[to]) <= 1) return planned;
    planned[bucketToMove(planned, backups, from, to)] = to;
    loads[from]--;
    loads[to]++;
  }
}

/** A bucket of `from`, rather one whose flows `to` holds already. */
function bucketToMove(
  owners: readonly number[],
  backups: readonly (readonly number[])[],
  from: number,
  to: number,
): number {
  const known = owners.findIndex((owner, bucket) => owner === from && backups[bucket].includes(to));
  return known >= 0 ? known : owners.indexOf(from);
}

/** Deals out one rank of backups for all buckets; `ranks` is extended in place. */
function addBackups(
  { candidates, backups }: PlannerInput,
  owners: readonly number[],
  ranks: number[][],
  rank: number,
): void {
  const loads = loadsOf(owners, candidates.length);
  /** Backups that each candidate has on this rank: where numbers do not divide, the idle one gains. */
  const dealt = new Array<number>(candidates.length).fill(0);
  candidates.forEach((_, owner) => {
    const buckets = owners.flatMap((o, bucket) => o === owner ? [bucket] : []);
    const quota = heirQuotas(candidates, loads, dealt, owner, buckets.length);
    const open: number[] = [];
    for (const bucket of buckets) { // first keep what is, then fill up
      const present = backups[bucket][rank - 1];
      if (present !== undefined && quota[present] > 0 && !ranks[bucket].includes(present)) {
        assign(bucket, present);
      } else {
        open.push(bucket);
      }
    }
    for (const bucket of open) {
      const heir = best(candidates.length, (i) => ranks[bucket].includes(i) ? -Infinity : quota[i]);
      assign(bucket, heir);
    }
    function assign(bucket: number, heir: number): void {
      ranks[bucket].push(heir);
      quota[heir]--;
      dealt[heir]++;
    }
  });
}

/**
 * How many of `owner`'s `count` buckets each other candidate should inherit: so many that all come to
 * their share of a cluster without `owner`, in whole buckets.
 */
function heirQuotas(
  candidates: readonly Candidate[],
  loads: readonly number[],
  dealt: readonly number[],
  owner: number,
  count: number,
): number[] {
  const weightLeft = candidates.reduce((sum, c, i) => i === owner ? sum : sum + c.weight, 0);
  const total = loads.reduce((sum, load) => sum + load, 0);
  const wanted = candidates.map((candidate, i) =>
    i === owner ? 0 : Math.max(0, total * candidate.weight / weightLeft - loads[i])
  );
  const sum = wanted.reduce((a, b) => a + b, 0);
  const exact = sum > 0
    ? wanted.map((want) => want * count / sum)
    : candidates.map((c, i) => i === owner ? 0 : c.weight * count / weightLeft);
  const quota = exact.map(Math.floor);
  for (let rest = count - quota.reduce((a, b) => a + b, 0); rest > 0; rest--) {
    const next = best(
      candidates.length,
      (i) => i === owner ? -Infinity : (exact[i] - quota[i]) * 1e6 - dealt[i],
    );
    quota[next]++;
  }
  return quota;
}

/** The index with the highest score; equal ones by place. */
function best(count: number, score: (i: number) => number): number {
  let winner = 0;
  for (let i = 1; i < count; i++) if (score(i) > score(winner)) winner = i;
  return winner;
}
