/** One random story of faults, from a seed: what it broke, if anything. */
import { Cluster } from "./cluster.ts";
import { Random } from "./random.ts";

export interface Outcome {
  readonly seed: number;
  /** Empty: all invariants held. */
  readonly faults: readonly string[];
  readonly story: readonly string[];
}

/** `fenced` false: datapaths go on behind the end of their lease, the control that must break. */
export function randomStory(seed: number, fenced = true): Outcome {
  const random = new Random(seed);
  const names = Array.from({ length: 2 + random.below(4) }, (_, i) => `n${i}`);
  const cluster = new Cluster({
    seed,
    names,
    loss: random.chance(0.5) ? 0 : random.next() * 0.1,
    backups: random.chance(0.3) ? "all" : 1,
  });
  if (!fenced) {
    for (const machine of cluster.machines) {
      machine.handles = (bucket) => machine.core !== null && machine.responsibility.has(bucket);
    }
  }
  const story: string[] = [];
  const tell = (text: string) => story.push(`${cluster.now.toFixed(0)} ${text}`);
  for (const name of names) {
    cluster.start(name);
    if (random.chance(0.3)) cluster.run(random.next() * 4000);
  }
  cluster.run(6000);
  for (let i = 0; i < 12; i++) {
    const machine = random.pick(cluster.machines);
    const { name } = machine;
    const other = random.pick(names.filter((n) => n !== name));
    switch (random.below(8)) {
      case 0:
        if (machine.core !== null) {
          tell(`kill ${name}`);
          cluster.kill(name);
        }
        break;
      case 1:
        if (machine.core === null || machine.stopped) {
          tell(`start ${name}`);
          cluster.start(name);
        }
        break;
      case 2:
        if (machine.core !== null && !machine.paused) {
          tell(`pause ${name}`);
          cluster.pause(name);
        }
        break;
      case 3:
        if (machine.paused && machine.core !== null) {
          tell(`resume ${name}`);
          cluster.resume(name);
        }
        break;
      case 4:
        tell(`cut ${name}>${other}`);
        cluster.cuts.add(`${name}>${other}`);
        break;
      case 5:
        tell("heal");
        cluster.cuts.clear();
        cluster.run(cluster.detectionMs); // claims of both sides may meet for one detection time
        cluster.violations.length = 0;
        break;
      case 7:
        if (machine.core !== null) {
          tell(`crash ${name}`);
          cluster.crash(name);
        }
        break;
      case 6:
        if (machine.core !== null && !machine.paused) {
          const command = random.pick(["drain", "resume"] as const);
          tell(`${command} ${name}`);
          cluster.command(name, command);
        }
        break;
    }
    cluster.run(random.next() * (random.chance(0.3) ? 3000 : 400));
  }
  const faults = [...cluster.violations];
  tell("heal all");
  cluster.cuts.clear();
  for (const machine of cluster.machines) {
    if (machine.core === null || machine.stopped) cluster.start(machine.name);
    else if (machine.paused) cluster.resume(machine.name);
    cluster.command(machine.name, "resume");
  }
  cluster.run(15_000);
  cluster.violations.length = 0;
  cluster.resetGaps();
  cluster.run(1000);
  faults.push(...cluster.violations);
  if (cluster.gapMsMax > 0) faults.push(`a bucket without owner for ${cluster.gapMsMax} ms`);
  const loads = cluster.loads();
  if (Math.max(...loads) - Math.min(...loads) > 8) faults.push(`unbalanced: ${loads}`);
  for (const name of names) {
    const { safe, unsafeBecause } = cluster.snapshot(name);
    if (!safe) faults.push(`${name} is not safe: ${unsafeBecause}`);
  }
  return { seed, faults, story };
}
