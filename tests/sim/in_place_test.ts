/** A cluster whose slots are on before its daemons: taken over in place, without a moment of two. */
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { bucketsOf, wholeUnits } from "../../lib/ownership/units.ts";
import { Cluster } from "./cluster.ts";

const names = ["fw1", "fw2", "fw3"];

/** Three machines that serve `slots[i]` of `units`, without daemons and without leases. */
function running(units: number, slots: readonly (readonly number[])[], inPlace = true): Cluster {
  const cluster = new Cluster({ seed: 7, names, units, inPlace, backups: "all" });
  cluster.machines.forEach((machine, i) => {
    machine.responsibility = bucketsOf(slots[i].map((slot) => slot - 1), units);
    machine.leaseUntil = slots[i].length > 0 ? Infinity : 0;
  });
  return cluster;
}

/** Runs on and looks all the time; how often a bucket was handled by nobody, or by two. */
function watch(cluster: Cluster, durationMs: number): { nobody: number; two: number } {
  const seen = { nobody: 0, two: 0 };
  for (let passed = 0; passed < durationMs; passed += 2) {
    cluster.run(2);
    for (let bucket = 0; bucket < 256; bucket += 4) {
      const handlers = cluster.machines.filter((m) => m.handles(bucket, cluster.now)).length;
      if (handlers === 0) seen.nobody++;
      if (handlers > 1) seen.two++;
    }
  }
  return seen;
}

const loads = (cluster: Cluster, units: number) =>
  cluster.machines.map((machine) => wholeUnits(machine.responsibility, units).length);

Deno.test("daemons come one after the other, and every slot keeps exactly one owner", () => {
  const cluster = running(3, [[1], [2], [3]]);
  for (const name of names) {
    cluster.start(name);
    assertEquals(watch(cluster, 8000), { nobody: 0, two: 0 }, `after ${name}`);
    if (name === "fw3") break;
    const { state, reason } = cluster.snapshot("fw1");
    assertEquals(state, "joining");
    assertMatch(reason!, name === "fw1" ? /slots 2, 3;/ : /slot 3;/);
  }
  assertEquals(loads(cluster, 3), [1, 1, 1]);
  assert(names.every((name) => cluster.snapshot(name).state === "ready"));
});

Deno.test("an ordinary start would answer twice: the rule above can fail", () => {
  const cluster = running(3, [[1], [2], [3]], false);
  cluster.start("fw1");
  assert(watch(cluster, 8000).two > 0);
});

Deno.test("uneven slots are evened out, and a spare node gets some, by whole slots", () => {
  const cluster = running(5, [[1, 2, 3], [4, 5], []]);
  for (const name of names) cluster.start(name);
  assertEquals(watch(cluster, 6000).two, 0);
  assertEquals(loads(cluster, 5).toSorted(), [1, 2, 2]);
  const held = cluster.machines.map((machine) => machine.responsibility.size);
  assertEquals(held.reduce((a, b) => a + b), 256, "no bucket of a torn slot");
});

Deno.test("a dead node's slots go to both others, and back when it returns", () => {
  const cluster = running(16, [[], [], []]);
  for (const name of names) cluster.start(name);
  cluster.run(8000);
  assertEquals(loads(cluster, 16).toSorted(), [5, 5, 6]);
  cluster.kill("fw2");
  cluster.run(2000);
  assertEquals(loads(cluster, 16), [8, 0, 8]);
  cluster.start("fw2");
  cluster.run(8000);
  assertEquals(loads(cluster, 16).toSorted(), [5, 5, 6]);
  assertEquals(cluster.violations, []);
});

Deno.test("who is stopped while it waits leaves its slots as they were", () => {
  const cluster = running(3, [[1], [2], [3]]);
  cluster.start("fw1");
  cluster.run(4000);
  cluster.command("fw1", "leave");
  assertEquals(watch(cluster, 2000), { nobody: 0, two: 0 });
  assert(cluster.machine("fw1").stopped);
  assert(cluster.machine("fw1").responsibility.equals(bucketsOf([0], 3)));
});

Deno.test("who is stopped after the takeover has none left", () => {
  const cluster = running(3, [[1], [2], [3]]);
  for (const name of names) cluster.start(name);
  cluster.run(8000);
  cluster.command("fw1", "leave");
  cluster.run(3000);
  assert(cluster.machine("fw1").stopped);
  assert(cluster.machine("fw1").responsibility.equals(BucketSet.empty()));
  assertEquals(loads(cluster, 3).toSorted(), [0, 1, 2]);
});

Deno.test("the administrator's word ends the wait for slots that are on nowhere", () => {
  const cluster = running(3, [[1], [2], []]);
  for (const name of names) cluster.start(name);
  cluster.run(6000);
  assertEquals(names.map((name) => cluster.snapshot(name).state), [
    "joining",
    "joining",
    "joining",
  ]);
  cluster.command("fw1", "resume");
  cluster.run(6000);
  assertEquals(loads(cluster, 3), [1, 1, 1]);
});

Deno.test("two that have the same slot on agree about it", () => {
  const cluster = running(2, [[1, 2], [2], []]);
  for (const name of names) cluster.start(name);
  cluster.run(8000);
  assertEquals(watch(cluster, 1000), { nobody: 0, two: 0 });
});

Deno.test("who boots with a slot on that others have by now gives it up at once", () => {
  const cluster = running(3, [[], [], []]);
  for (const name of ["fw1", "fw2"]) cluster.start(name);
  cluster.run(8000);
  const booted = cluster.machine("fw3");
  booted.responsibility = bucketsOf([2], 3);
  booted.leaseUntil = Infinity;
  cluster.start("fw3");
  const both = ["fw1", "fw3"].map((name) => cluster.machine(name).handles(250, cluster.now));
  assertEquals(both, [true, true], "the control: it is a conflict");
  cluster.run(500);
  assertEquals(watch(cluster, 6000).two, 0);
  assertEquals(loads(cluster, 3), [1, 1, 1]);
});
