/** Planned operations on the whole core: weights, and requests that travel to other nodes. */
import { BucketSet } from "../lib/ownership/bucket_set.ts";
import { Cluster } from "./sim/cluster.ts";
import { assert, assertEquals, assertStringIncludes } from "./assert.ts";

const three = ["fw1", "fw2", "fw3"];

function started(options: Partial<ConstructorParameters<typeof Cluster>[0]> = {}): Cluster {
  const cluster = new Cluster({ seed: 1, names: three, ...options });
  for (const name of three) cluster.start(name);
  within(cluster, () => cluster.loads().every((load) => load > 80) && isSafe(cluster));
  return cluster;
}

const isSafe = (cluster: Cluster) =>
  cluster.machines.every(({ name, core }) => core === null || cluster.snapshot(name).safe);

function within(cluster: Cluster, condition: () => boolean, ms = 20_000): void {
  assert(cluster.runUntil(condition, ms), `not within ${ms} ms; loads ${cluster.loads()}`);
}

Deno.test("a weight moves buckets, without a gap, and back again", () => {
  const cluster = started();
  cluster.resetGaps();
  cluster.weigh("fw2", 2);
  within(cluster, () => cluster.loads().join() === "64,128,64" && isSafe(cluster));
  cluster.weigh("fw2", 0.001);
  within(cluster, () => cluster.loads()[1] <= 1 && isSafe(cluster));
  cluster.weigh("fw2", 1);
  within(cluster, () => Math.min(...cluster.loads()) >= 85);
  assert(cluster.gapMsMax < 10, `a bucket was unhandled for ${cluster.gapMsMax} ms`);
  assertEquals(cluster.violations, []);
});

Deno.test("a request to another node is done there, once, also over a bad network", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const cluster = started({ seed, loss: 0.3 });
    cluster.forward("fw1", 1, "fw3", { command: "drain" });
    within(cluster, () => cluster.machine("fw1").forwarded.has(1), 5100);
    assertEquals(cluster.machine("fw1").forwarded.get(1), { answer: '{"ok":true,"result":{}}' });
    within(cluster, () => cluster.loads()[2] === 0);
    cluster.forward("fw1", 2, "fw3", { command: "resume" });
    within(cluster, () => cluster.loads()[2] > 80);
    assertEquals(cluster.machine("fw3").executed.length, 2);
    assertEquals(cluster.machine("fw2").executed, []);
    assertEquals(cluster.violations, []);
  }
});

Deno.test("a node that dies or hangs while it is asked: an error, in time", () => {
  const cluster = started();
  const outcome = (id: number) => JSON.stringify(cluster.machine("fw1").forwarded.get(id));
  cluster.pause("fw3");
  cluster.forward("fw1", 1, "fw3", { command: "drain" });
  within(cluster, () => cluster.machine("fw1").forwarded.has(1), cluster.detectionMs + 100);
  assertStringIncludes(outcome(1), "fw3 is gone");
  cluster.forward("fw1", 2, "fw3", { command: "drain" });
  assertStringIncludes(outcome(2), '\\"fw3\\" is no live node; live are fw2 and this one, fw1');

  // Heard, but nothing gets through to it on any interface: the peer yields and is dead or silent.
  cluster.cut("fw1>fw2");
  cluster.forward("fw1", 3, "fw2", { command: "drain" });
  within(cluster, () => cluster.machine("fw1").forwarded.has(3), 5100);
  assertStringIncludes(outcome(3), '{"error"');
  assertEquals(cluster.machine("fw2").executed, []);
});

/** The buckets of these kernels that the core was told are busy, as often as it asks. */
function tellBusy(cluster: Cluster, name: string, busy: BucketSet): void {
  const machine = cluster.machine(name);
  if (machine.orders?.tellBusy) cluster.report(name, { kind: "busy", buckets: busy });
}

Deno.test("where services run, idle buckets are drained at once, busy ones when they can", () => {
  const cluster = started({ drainTimeoutMs: 30_000 });
  const held = cluster.machine("fw1").responsibility.clone();
  const busy = BucketSet.of([...held].slice(0, 5));
  cluster.command("fw1", "drain");
  const begun = cluster.now;
  within(cluster, () => {
    tellBusy(cluster, "fw1", busy);
    return cluster.loads()[0] === 5;
  }, 10_000);
  assertStringIncludes(cluster.snapshot("fw1").reason!, "on request; 5 buckets wait for open");
  cluster.run(5000);
  assertEquals(cluster.loads()[0], 5);
  const [first] = busy;
  within(cluster, () => {
    tellBusy(cluster, "fw1", busy.difference(BucketSet.of([first])));
    return cluster.loads()[0] === 4;
  }, 2000);
  assert(!cluster.machine("fw1").responsibility.has(first));
  within(cluster, () => cluster.loads()[0] === 0, 31_000);
  const lasted = cluster.now - begun;
  assert(lasted > 30_000 && lasted < 32_000, `it lasted ${lasted} ms`);
  assertEquals(cluster.snapshot("fw1").reason, "on request");
  assertEquals(cluster.violations, []);
});

Deno.test("a router's drain waits for nothing, whatever is open", () => {
  const cluster = started();
  cluster.command("fw1", "drain");
  within(cluster, () => {
    assert(!cluster.machine("fw1").orders!.tellBusy);
    return cluster.loads()[0] === 0;
  }, 3000);
});

Deno.test("a node that leaves waits for open connections, too, and goes when its time is up", () => {
  const cluster = started({ drainTimeoutMs: 5000 });
  cluster.command("fw3", "leave");
  cluster.run(4000);
  assert(cluster.loads()[2] > 80, "nobody told what is idle");
  within(cluster, () => cluster.machine("fw3").stopped, 4000);
  assertEquals(cluster.violations, []);
});

Deno.test("a rolling upgrade from version 1: no gap, and old nodes are told apart", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = new Cluster({ seed, names: three });
    for (const name of three) cluster.start(name, 1);
    within(cluster, () => Math.min(...cluster.loads()) >= 85 && isSafe(cluster));
    cluster.resetGaps();
    for (const name of three) {
      cluster.command(name, "drain");
      within(cluster, () => cluster.loads()[three.indexOf(name)] === 0);
      cluster.command(name, "leave");
      within(cluster, () => cluster.machine(name).stopped);
      cluster.start(name, 2);
      within(cluster, () => Math.min(...cluster.loads()) >= 85 && isSafe(cluster));
      if (name !== "fw1") continue;
      cluster.forward("fw1", 1, "fw2", { command: "status" });
      assertStringIncludes(JSON.stringify(cluster.machine("fw1").forwarded.get(1)), "version 1");
    }
    assert(cluster.gapMsMax < 10, `a bucket was unhandled for ${cluster.gapMsMax} ms`);
    assertEquals(cluster.violations, []);
  }
});
