/** Checks, versions and the configuration gate, in whole clusters of cores. */
import { assert, assertEquals } from "./assert.ts";
import type { Verdict } from "../lib/health/verdict.ts";
import type { NodeOptions } from "../lib/node_types.ts";
import { Cluster } from "./sim/cluster.ts";

const good: Verdict = { pending: false, factor: 1, failing: [] };
const bad: Verdict = { pending: false, factor: 0, failing: ["web"] };
const half: Verdict = { pending: false, factor: 0.5, failing: ["web"] };
const names = ["fw1", "fw2", "fw3"];

function build(of: (name: string) => Partial<NodeOptions> = () => ({}), count = 3): Cluster {
  return new Cluster({ seed: 7, names: names.slice(0, count), configure: of });
}

function startAll(cluster: Cluster): void {
  for (const { name } of cluster.machines) cluster.start(name);
}

function settle(cluster: Cluster, loads: readonly number[]): void {
  // Who has one more than the others is of no account.
  const isThere = () =>
    cluster.loads().every((load, i) => Math.abs(load - loads[i]) <= (loads[i] === 0 ? 0 : 1)) &&
    cluster.loads().reduce((a, b) => a + b) === 256;
  const inTime = cluster.runUntil(isThere, 20_000);
  assert(inTime, `${cluster.loads()} instead of ${loads}`);
  cluster.run(3 * cluster.detectionMs);
  assert(isThere(), `${cluster.loads()} instead of ${loads}`);
  assertEquals(cluster.violations, []);
}

const even = [86, 85, 85];

function health(cluster: Cluster, name: string, verdict: Verdict): void {
  cluster.found(name, { kind: "health", verdict });
}

function eventsOf(cluster: Cluster, name: string): string[] {
  return cluster.machine(name).events.map(({ event }) => event.name);
}

Deno.test("a node whose checks fail hands its buckets over, and gets them back", () => {
  const cluster = build();
  startAll(cluster);
  settle(cluster, even);
  cluster.resetGaps();
  health(cluster, "fw2", bad);
  settle(cluster, [128, 0, 128]);
  const [, fw2] = cluster.snapshot("fw1").members;
  assertEquals([fw2.healthy, fw2.standing.eligible, fw2.standing.obstacle], [
    false,
    false,
    { kind: "checks" },
  ]);
  assertEquals(cluster.snapshot("fw2").health, bad);
  assert(eventsOf(cluster, "fw2").includes("unhealthy"));
  assert(eventsOf(cluster, "fw1").includes("not-eligible"));
  health(cluster, "fw2", good);
  settle(cluster, even);
  assert(cluster.gapMsMax <= 12, `gap ${cluster.gapMsMax}`);
  assert(eventsOf(cluster, "fw2").includes("healthy"));
});

Deno.test("a check with a weight takes only a part of the buckets away", () => {
  const cluster = build();
  startAll(cluster);
  settle(cluster, even);
  health(cluster, "fw3", half);
  assert(cluster.runUntil(() => cluster.loads()[2] === 51, 20_000), `${cluster.loads()}`);
  assertEquals(cluster.snapshot("fw1").members[2].weight, 0.5);
  assertEquals(cluster.snapshot("fw1").members[2].standing.eligible, true);
});

Deno.test("if all checks fail, owners stay, and a bucket without any owner gets one", () => {
  const cluster = build();
  startAll(cluster);
  settle(cluster, even);
  for (const name of names) health(cluster, name, bad);
  cluster.run(5000);
  assertEquals(cluster.loads(), even);
  // All of a bucket's ranks are gone; nobody is eligible.
  cluster.kill("fw1");
  cluster.kill("fw2");
  settle(cluster, [0, 0, 256]);
});

Deno.test("a node waits for the first verdict before it joins, and joins healthy", () => {
  const cluster = build(() => ({ verdictMs: 6000 }), 2);
  cluster.start("fw1");
  health(cluster, "fw1", { pending: true, factor: 0, failing: [] });
  cluster.run(5500);
  assertEquals(cluster.snapshot("fw1").state, "joining");
  assertEquals(cluster.snapshot("fw1").reason, "waiting for the first results of its checks");
  health(cluster, "fw1", good);
  settle(cluster, [256, 0]);
});

Deno.test("it does not wait for ever; then it may own no buckets until its checks pass", () => {
  const cluster = build((name) => name === "fw2" ? { verdictMs: 2500 } : {}, 2);
  cluster.start("fw1");
  settle(cluster, [256, 0]);
  cluster.start("fw2");
  health(cluster, "fw2", { pending: true, factor: 0, failing: [] });
  cluster.run(2400);
  assertEquals(cluster.snapshot("fw2").state, "joining");
  cluster.run(3000);
  assertEquals(cluster.snapshot("fw2").state, "ready");
  assertEquals(cluster.loads(), [256, 0]);
  health(cluster, "fw2", good);
  settle(cluster, [128, 128]);
});

Deno.test("a daemon that is back within its lease serves on while its checks begin", () => {
  const cluster = new Cluster({
    ...{ seed: 7, names, intervalMs: 1000 },
    configure: () => ({ verdictMs: 2500 }),
  });
  startAll(cluster);
  for (const name of names) health(cluster, name, good);
  settle(cluster, even);
  cluster.resetGaps();
  cluster.crash("fw2");
  cluster.run(20);
  cluster.start("fw2");
  health(cluster, "fw2", { pending: true, factor: 0, failing: [] });
  cluster.run(2500);
  health(cluster, "fw2", good);
  cluster.run(20_000);
  assertEquals(cluster.loads(), even);
  assertEquals(cluster.gapMsMax, 0);
});

Deno.test("nodes of version 1 and 2 form one cluster, and an unfit node is understood by both", () => {
  for (const planner of [1, 2] as const) {
    const cluster = build((name) =>
      name === "fw1" ? { version: planner } : {
        version: name === "fw2" && planner === 2 ? 1 : 2,
      }
    );
    startAll(cluster);
    settle(cluster, even);
    const seen = cluster.snapshot("fw3");
    assertEquals(seen.protocol, { version: 2, oldest: 1, inUse: 1 });
    assertEquals(cluster.snapshot("fw1").protocol.version, planner);
    health(cluster, "fw3", bad);
    settle(cluster, [128, 128, 0]);
    health(cluster, "fw3", good);
    settle(cluster, even);
    assertEquals(eventsOf(cluster, "fw3").includes("conflict"), false);
  }
});

Deno.test("all of version 2 use version 2", () => {
  const cluster = build();
  startAll(cluster);
  settle(cluster, even);
  assertEquals(cluster.snapshot("fw2").protocol, { version: 2, oldest: 1, inUse: 2 });
});

Deno.test("a node that differs gets no new buckets, keeps what it has, and everybody says in what", () => {
  const ours = ["1", "2", "3", "4", "5"].map((digit) => digit.repeat(8));
  const theirs = [ours[0], "ffffffff", ...ours.slice(2)];
  const cluster = build((name) => ({
    topics: name === "fw1" ? theirs : ours,
    ...(name === "fw1" ? { configDigest: "ffffffffffffffff" } : {}),
  }));
  for (const name of ["fw2", "fw3"]) cluster.start(name);
  settle(cluster, [0, 128, 128]);
  cluster.start("fw1");
  cluster.run(20_000);
  assertEquals(cluster.loads(), [0, 128, 128]);
  for (const name of names) {
    const { differs, differsFrom } = cluster.snapshot(name).members[0].standing;
    assertEquals([differs, differsFrom], [["seed"], ["fw2", "fw3"]], `as ${name} sees it`);
    assert(eventsOf(cluster, name).includes("config-differs"), name);
  }
});

Deno.test("a ruleset that changes closes the gate, and opens it again", () => {
  const cluster = build();
  startAll(cluster);
  settle(cluster, even);
  for (const name of names) cluster.found(name, { kind: "ruleset", digest: "aaaaaaaa" });
  cluster.found("fw2", { kind: "ruleset", digest: "bbbbbbbb" });
  cluster.run(2000);
  assertEquals(cluster.snapshot("fw1").members[1].standing.differs, ["ruleset"]);
  assertEquals(cluster.loads(), even, "nothing moves because of it");
  cluster.kill("fw3");
  cluster.run(5000);
  assertEquals(cluster.loads().reduce((a, b) => a + b), 256);
  cluster.found("fw2", { kind: "ruleset", digest: "aaaaaaaa" });
  cluster.run(2000);
  assertEquals(cluster.snapshot("fw1").members[1].standing.differs, []);
  // A node that cannot read its rules is not held against them.
  cluster.found("fw2", { kind: "ruleset", digest: null });
  cluster.run(2000);
  assertEquals(cluster.snapshot("fw1").members[1].standing.differs, []);
});
