/**
 * Plays a story and says what it broke: in the chaos only safety counts; then everything heals, and the
 * cluster must become whole; then one more thing happens to it, and that must cost no more than it may.
 */
import { bucketCount, BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { WishedOwners } from "../../lib/ownership/wish.ts";
import { Cluster } from "./cluster.ts";
import type { Machine } from "./machine.ts";
import type { Fault, Story } from "./story.ts";

export interface Outcome {
  /** Empty: everything held. */
  readonly faults: readonly string[];
  readonly cluster: Cluster;
}

/** `change` is made to each machine beforehand: what must break is shown with it. */
export function play(story: Story, change: (machine: Machine) => void = () => {}): Outcome {
  const names = Array.from({ length: story.nodes }, (_, i) => nameOf(i));
  const scale = story.intervalMs / 100;
  const delayMsMax = story.delayMsMax * scale;
  const trafficMs = 20 * scale;
  const flapHalfLifeMs = 3 * story.intervalMs * story.multiplier; // it is over when all has healed
  const times = { delayMsMax, trafficMs, flapHalfLifeMs, listenMs: 0 };
  const cluster = new Cluster({ ...story, ...times, names });
  cluster.machines.forEach(change);
  try {
    const faults = playIn(cluster, story);
    return { faults: [...cluster.violations, ...faults], cluster };
  } catch (error) {
    return { faults: [`a core has failed: ${(error as Error).message}`], cluster };
  }
}

function playIn(cluster: Cluster, story: Story): string[] {
  const faults: string[] = [];
  const scale = story.intervalMs / 100;
  if (story.isFoundInDisorder) disorder(cluster);
  cluster.machines.forEach((machine, i) => machine.version = story.versions[i]);
  story.startsMs.forEach((ms, i) => cluster.later(ms * scale, () => cluster.start(nameOf(i))));
  cluster.run(2800 * scale);
  for (const { fault, afterMs } of story.chapters) {
    happen(cluster, fault);
    cluster.run(afterMs * scale);
  }
  const wholeAfterMs = healAll(cluster);
  if (wholeAfterMs === null) {
    const why = [...whyNotShared(cluster), ...whyNotSafe(cluster)];
    if (why.length === 0) why.push("plan follows plan");
    faults.push(...why.map((text) => `not whole after healing: ${text}`));
  } else {
    const { last } = story;
    faults.push(...checkQuiet(cluster));
    faults.push(...(last === "split" ? checkSplit(cluster) : checkLast(cluster, last)));
  }
  return faults;
}

const nameOf = (node: number) => `n${String(node).padStart(2, "0")}`;

/** Former daemons have left their datapaths on, in whatever way. */
function disorder({ machines, random, now, detectionMs, checks }: Cluster): void {
  checks.disorderUntil = now + 2 * detectionMs;
  for (const machine of machines) {
    const buckets = Array.from({ length: bucketCount }, (_, bucket) => bucket);
    machine.responsibility = BucketSet.of(buckets.filter(() => random.chance(0.4)));
    machine.leaseUntil = machine.clock(now) + random.next() * 2 * detectionMs;
  }
}

function happen(cluster: Cluster, fault: Fault): void {
  const { machines, network } = cluster;
  const everyPair = (may: (from: number, to: number) => boolean) => {
    for (const { index: from } of machines) {
      for (const { index: to } of machines) if (from !== to && may(from, to)) network.cut(from, to);
    }
  };
  switch (fault.kind) {
    case "heal":
      return cluster.heal();
    case "split":
      return everyPair((from, to) => (fault.sides >> from & 1) !== (fault.sides >> to & 1));
    case "isolate":
      return everyPair((from, to) => from === fault.node || to === fault.node);
    case "mute":
      return everyPair((from) => from === fault.node);
    case "deafen":
      return everyPair((_, to) => to === fault.node);
    case "cut":
      return network.cut(fault.node, fault.other);
    case "cut one":
      return network.cut(fault.node, fault.other, 1 << fault.by);
    case "slow":
      return network.slow(fault.node, fault.other, cluster.detectionMs / 4);
  }
  const machine = machines[fault.node];
  const { name } = machine;
  const isGone = machine.core === null || machine.stopped;
  switch (fault.kind) {
    case "start":
      return isGone ? cluster.start(name) : undefined;
    case "go on":
      return machine.paused || machine.frozen ? cluster.resume(name) : undefined;
    case "carrier":
      return cluster.carrier(name, fault.by, fault.up);
    case "pause":
      return isGone ? undefined : cluster.pause(name);
    case "freeze":
      return isGone ? undefined : cluster.freeze(name);
    case "kill":
    case "crash":
      return cluster[fault.kind](name);
    case "drain":
    case "resume":
    case "leave":
      return cluster.command(name, fault.kind);
    case "weigh":
      return cluster.weigh(name, fault.weight);
    case "sick":
    case "well":
      return cluster.found(name, { kind: "health", verdict: verdicts[fault.kind] });
    case "balance":
      return cluster.balance(name, wishedOwners(cluster, fault.buckets));
  }
}

const verdicts = {
  sick: { pending: false, factor: 0, failing: ["a check"] },
  well: { pending: false, factor: 1, failing: [] },
};

function wishedOwners({ machines, random }: Cluster, buckets: number): WishedOwners {
  return Array.from(
    { length: buckets },
    () => [random.below(bucketCount), random.pick(machines).name] as const,
  );
}

/** Ends all faults; how long it took until the cluster was whole; null: too long. */
function healAll(cluster: Cluster): number | null {
  cluster.heal();
  for (const machine of cluster.machines) {
    if (machine.core === null || machine.stopped) cluster.start(machine.name);
    else if (machine.paused || machine.frozen) cluster.resume(machine.name);
    cluster.command(machine.name, "resume");
    cluster.weigh(machine.name, 1);
    cluster.found(machine.name, { kind: "health", verdict: verdicts.well });
    for (let i = 0; i < cluster.interfaces; i++) cluster.carrier(machine.name, i, true);
  }
  const healedAt = cluster.now;
  let wholeSince = Infinity, before = "";
  // Whole, and no plan is made any more.
  const isSettled = () => {
    for (const machine of cluster.machines) if (machine.stopped) cluster.start(machine.name);
    const looks = whyNotShared(cluster).length > 0
      ? []
      : cluster.machines.map(({ name }) => cluster.snapshot(name));
    const isWhole = looks.length > 0 && looks.every(({ safe }) => safe);
    const present = looks.map(({ epoch }) => epoch).join();
    if (!isWhole || present !== before) wholeSince = Infinity;
    else wholeSince = Math.min(wholeSince, cluster.now);
    before = present;
    return cluster.now - wholeSince > 3 * cluster.detectionMs;
  };
  const withinMs = 40 * cluster.detectionMs + 2000;
  const isWhole = cluster.runUntil(isSettled, withinMs, cluster.detectionMs / 2);
  return isWhole ? wholeSince - healedAt : null;
}

/** What is not as it is to be in a whole cluster: every bucket has one owner, and each node its share. */
function whyNotShared(cluster: Cluster): string[] {
  const { machines, now } = cluster;
  const why: string[] = [];
  let once = BucketSet.empty(), twice = BucketSet.empty();
  for (const machine of machines) {
    const handled = machine.handled(now) ?? BucketSet.empty();
    twice = twice.union(once.intersection(handled));
    once = once.union(handled);
  }
  if (once.size < bucketCount) why.push(`${bucketCount - once.size} buckets have no owner`);
  if (!twice.isEmpty) why.push(`${twice.size} buckets have two owners`);
  const fair = bucketCount / machines.length;
  const loads = cluster.loads();
  if (loads.some((load) => Math.abs(load - fair) > Math.max(1, fair * 0.05) + 1)) {
    why.push(`loads ${loads} where ${fair.toFixed(1)} are fair`);
  }
  return why;
}

function whyNotSafe(cluster: Cluster): string[] {
  return cluster.machines.flatMap(({ name }) => {
    const { safe, unsafeBecause } = cluster.snapshot(name);
    return safe ? [] : [`${name} is not safe: ${unsafeBecause}`];
  });
}

/** Nothing moves in a whole cluster; where much is lost, too many in a row may be. */
function checkQuiet(cluster: Cluster): string[] {
  if (cluster.network.options.loss > 0) return [];
  cluster.checks.resetGaps();
  cluster.checks.resetMoves();
  const epochs = () => cluster.machines.map(({ name }) => cluster.snapshot(name).epoch).join();
  const before = epochs();
  cluster.run(3 * cluster.detectionMs);
  const faults: string[] = [];
  const moved = cluster.checks.moves.reduce((sum, count) => sum + count, 0);
  if (moved > 0) faults.push(`${moved} buckets moved in a whole cluster`);
  if (cluster.gapMsMax > 0) faults.push(`a gap of ${cluster.gapMsMax} ms in a whole cluster`);
  const after = epochs();
  if (after !== before) faults.push(`plans ${before} became ${after} in a whole cluster`);
  return faults;
}

/** One node goes: its buckets go to all others evenly, in time, and no other bucket moves. */
function checkLast(cluster: Cluster, last: Exclude<Story["last"], "split">): string[] {
  const { machines, checks, detectionMs, intervalMs } = cluster;
  const victim = cluster.random.pick(machines);
  const had = victim.responsibility.clone();
  checks.resetGaps();
  checks.resetMoves();
  if (last === "isolate") checks.outside = victim.index;
  if (last === "isolate" || last === "mute") happen(cluster, { kind: last, node: victim.index });
  else if (last === "leave") cluster.command(victim.name, "leave");
  else cluster[last](victim.name);
  // In a pair the one that is left may be the one that does not hear: it serves on, or waits.
  const mayEndAll = cluster.partition === "majority" &&
    2 * (machines.length - 1) <= machines.length;
  const isCut = last === "isolate" || last === "mute";
  // In a pair that is cut both may serve on, or the one that does not hear the other waits.
  const isPairCut = machines.length === 2 && isCut;
  if (mayEndAll || isPairCut) return [];
  // Who has lost an acknowledgement when a peer dies cannot know whether that peer may still take
  // over: it stops, too, and comes back by the next plan.
  const isLossy = cluster.network.options.loss > 0;
  const gapMsMax = (isLossy ? 6 : 3) * detectionMs;
  cluster.run(gapMsMax + 2 * intervalMs);
  const faults: string[] = [];
  const tell = (text: string) => faults.push(`${last} of ${victim.name}: ${text}`);
  const innocent = [...BucketSet.all().difference(had)].filter((bucket) =>
    checks.moves[bucket] > 0
  );
  if (innocent.length > 0 && !isLossy) {
    tell(`${innocent.length} buckets moved that were not its own`);
  }
  const twice = [...had].filter((bucket) => checks.moves[bucket] > 1).length;
  if (twice > 0 && !isLossy) tell(`${twice} of its buckets moved more than once`);
  if (cluster.gapMsMax > gapMsMax) tell(`a gap of ${cluster.gapMsMax.toFixed(0)} ms`);
  const loads = cluster.loads().filter((_, i) => i !== victim.index);
  const orphans = bucketCount - loads.reduce((sum, load) => sum + load, 0);
  const isIsolated = last === "isolate";
  if (orphans !== 0 && !isIsolated) tell(`${orphans} buckets have no owner, or two`);
  const fair = bucketCount / loads.length;
  const most = Math.max(...loads);
  if (most > fair * 1.06 + 3) tell(`loads ${loads} where ${fair.toFixed(1)} are fair`);
  return faults;
}

/**
 * A cut into two groups, of which one is larger: each goes on alone, or only the majority. When the cut
 * heals, what both handle stays where the larger group has it, and the cluster becomes whole.
 */
function checkSplit(cluster: Cluster): string[] {
  const { machines, random, partition, detectionMs } = cluster;
  const faults: string[] = [];
  const larger = random.below(Math.ceil(machines.length / 2) - 1) +
    Math.floor(machines.length / 2) + 1;
  const others = new Set<Machine>();
  while (others.size < machines.length - larger) others.add(random.pick(machines));
  const groups = [machines.filter((machine) => !others.has(machine)), [...others]];
  // One that only does not hear the others takes everything, and gives it back, as if it were cut off.
  const isDeaf = others.size === 1 && partition === "serve" && random.chance(0.5);
  const sides = groups[1].reduce((bits, { index }) => bits | 1 << index, 0);
  // What the others leave to one that they hear, unless it says that it has given it up (where delays are
  // long, its lease may end by more than its grace before it counts the last of them as dead).
  const cutAt = cluster.now, [deaf] = groups[1];
  const held = isDeaf ? deaf.responsibility.size : 0;
  if (isDeaf) happen(cluster, { kind: "deafen", node: groups[1][0].index });
  else happen(cluster, { kind: "split", sides });
  cluster.run(12 * detectionMs);
  const isLossy = cluster.network.options.loss > 0;
  // A lease that lapses for a moment, until those that are heard again acknowledge it, is no loss.
  const heldBy = (group: readonly Machine[]) =>
    group.reduce((all, { responsibility }) => all.union(responsibility), BucketSet.empty());
  const handledBy = (group: readonly Machine[]) =>
    heldBy(group.filter((machine) => machine.handled(cluster.now) !== null));
  const [inLarger, inSmaller] = groups.map(handledBy);
  const isForfeited = deaf.events.some(({ at, event }) => at > cutAt && event.name === "forfeited");
  const left = isForfeited ? 0 : held;
  const expected = [bucketCount - left, partition === "majority" ? 0 : bucketCount];
  if (!isLossy && (inLarger.size !== expected[0] || inSmaller.size !== expected[1])) {
    faults.push(`split: groups handle ${inLarger.size} and ${inSmaller.size} of ${expected}`);
  }
  let contested = inLarger.intersection(inSmaller), isLost = BucketSet.empty();
  const goneSince = new Map<number, number>();
  cluster.heal();
  cluster.runUntil(
    () => {
      const [byLarger, bySmaller] = groups.map(heldBy);
      contested = contested.intersection(bySmaller);
      for (const bucket of contested) {
        if (byLarger.has(bucket)) goneSince.delete(bucket);
        else if (!goneSince.has(bucket)) goneSince.set(bucket, cluster.now);
      }
      // In between it may be on its way from one node of the larger group to another. The next plan,
      // which moves buckets between the groups, takes a detection time.
      isLost = isLost.union(
        BucketSet.of(
          [...contested].filter((bucket) =>
            cluster.now - (goneSince.get(bucket) ?? Infinity) > 0.9 * detectionMs
          ),
        ),
      );
      contested = contested.difference(isLost);
      return contested.isEmpty;
    },
    10 * detectionMs,
    cluster.intervalMs / 50,
  );
  if (!contested.isEmpty) faults.push(`healed: ${contested.size} buckets stay with both groups`);
  if (!isLost.isEmpty && !isLossy) {
    faults.push(`healed: the smaller group prevails in ${isLost.size} buckets`);
  }
  if (healAll(cluster) === null) faults.push("not whole after a split has healed");
  return faults;
}
