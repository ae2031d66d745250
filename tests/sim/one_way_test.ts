/**
 * One node hears only some of the others, or is heard by only some: who hears whom is not mutual, or not
 * transitive, for as long as it lasts. Nobody handles a bucket beside another, and none stays without owner.
 */
import { assert, assertEquals } from "../assert.ts";
import { bucketCount, BucketSet } from "../../lib/ownership/bucket_set.ts";
import { Cluster } from "./cluster.ts";

const directions = ["does not hear", "is not heard by", "is cut off from"] as const;

for (const partition of ["serve", "majority"] as const) {
  for (const direction of directions) {
    Deno.test(`a node ${direction} some others, and every bucket has an owner: ${partition}`, () => {
      for (const nodes of partition === "serve" ? [3, 4] : [3, 4, 5]) {
        const names = Array.from({ length: nodes }, (_, i) => `fw${i + 1}`);
        const [one, ...others] = [names[1], names[0], ...names.slice(2)];
        // Every choice of the others but for all of them.
        for (let chosen = 0; chosen < 2 ** others.length - 1; chosen++) {
          const lost = others.filter((_, i) => (chosen >> i & 1) === 0);
          check({ names, partition, direction, one, lost });
        }
      }
    });
  }
}

interface Case {
  readonly names: readonly string[];
  readonly partition: "serve" | "majority";
  readonly direction: typeof directions[number];
  readonly one: string;
  readonly lost: readonly string[];
}

function check({ names, partition, direction, one, lost }: Case): void {
  const cluster = new Cluster({ seed: 1, names, partition });
  const { detectionMs } = cluster;
  const text = `${one} ${direction} ${lost.join(", ")}`;
  for (const name of names) cluster.start(name);
  assert(cluster.runUntil(() => isShared(cluster), 20_000), "the start");
  for (const other of lost) {
    if (direction !== "is not heard by") cluster.cut(`${other}>${one}`);
    if (direction !== "does not hear") cluster.cut(`${one}>${other}`);
  }
  cluster.run(15 * detectionMs);
  assertEquals(unowned(cluster), 0, `buckets without an owner: ${text}`);
  const plans = () => names.map((name) => cluster.snapshot(name).epoch).join();
  const before = plans();
  cluster.run(10 * detectionMs);
  assertEquals(plans(), before, `plan follows plan: ${text}`);
  // Another one dies, too: first of all one that it hears, or that hears it.
  const sound = names.filter((name) => name !== one);
  const victim = sound.find((name) => !lost.includes(name)) ?? sound[0];
  if (sound.length > (partition === "serve" ? 2 : names.length / 2 + 1)) {
    cluster.kill(victim);
    cluster.run(12 * detectionMs);
    assertEquals(unowned(cluster), 0, `buckets without an owner: ${text}, and ${victim} died`);
    cluster.start(victim);
  }
  cluster.heal();
  assert(cluster.runUntil(() => isShared(cluster), 40_000), `not whole again: ${text}`);
  assertEquals(cluster.violations, [], text);
}

function isShared(cluster: Cluster): boolean {
  const fair = bucketCount / cluster.machines.length;
  return cluster.loads().every((load) => Math.abs(load - fair) <= 1);
}

function unowned({ machines, now }: Cluster): number {
  return machines.reduce(
    (rest, machine) => rest.difference(machine.handled(now) ?? BucketSet.empty()),
    BucketSet.all(),
  ).size;
}
