/** A path that fails while others are left: it is told, once, and nothing else happens. */
import { assert, assertEquals } from "../assert.ts";
import { Cluster } from "../sim/cluster.ts";

const names = ["fw1", "fw2", "fw3"];
const share1 = 1, link0 = 2;

function settled(options: { loss?: number } = {}): Cluster {
  const cluster = new Cluster({ seed: 5, names, listenMs: 0, ...options });
  for (const name of names) cluster.start(name);
  const isSettled = () => names.every((name) => cluster.snapshot(name).safe);
  assert(cluster.runUntil(isSettled, 20_000), "the start");
  cluster.run(5000);
  for (const { events } of cluster.machines) events.length = 0;
  cluster.checks.resetMoves();
  return cluster;
}

const told = (cluster: Cluster, name: string) =>
  cluster.machine(name).events.map(({ event }) => `${event.level} ${event.name}: ${event.text}`);

const paths = (cluster: Cluster, of: string, to: string) => {
  const { silentOn, deafOn } = cluster.snapshot(of).members.find(({ name }) => name === to)!;
  return { silentOn, deafOn };
};

Deno.test("a lost direction of one link is told by who misses it, and seen from both ends", () => {
  const cluster = settled(), { detectionMs } = cluster;
  cluster.cut(`fw2>fw1@${link0}`);
  cluster.run(2 * detectionMs);
  assertEquals(paths(cluster, "fw1", "fw2"), { silentOn: [link0], deafOn: [] });
  assertEquals(paths(cluster, "fw2", "fw1"), { silentOn: [], deafOn: [link0] });
  assertEquals(told(cluster, "fw1"), [], "not before it has lasted");
  cluster.run(20 * detectionMs);
  assertEquals(told(cluster, "fw1"), ["warning path-lost: fw2 is not heard on link 0"]);
  assertEquals([...told(cluster, "fw2"), ...told(cluster, "fw3")], []);
  cluster.heal();
  cluster.run(5 * detectionMs);
  assertEquals(told(cluster, "fw1").slice(1), ["info path-back: fw2 is heard on link 0 again"]);
  assertEquals(paths(cluster, "fw1", "fw2"), { silentOn: [], deafOn: [] });
  assertEquals(cluster.checks.moves.some((count) => count > 0), false, "nothing moved");
});

Deno.test("two interfaces at once are two paths; a share has its own name", () => {
  const cluster = settled(), { detectionMs } = cluster;
  for (const place of [share1, link0]) cluster.cut(`fw3>fw2@${place}`);
  cluster.run(20 * detectionMs);
  assertEquals(told(cluster, "fw2"), [
    "warning path-lost: fw3 is not heard on share 1",
    "warning path-lost: fw3 is not heard on link 0",
  ]);
});

Deno.test("what does not last is not told; who is heard nowhere is dead, and misses no path", () => {
  const cluster = settled(), { detectionMs } = cluster;
  for (let i = 0; i < 10; i++) {
    cluster.cut(`fw2>fw1@${link0}`);
    cluster.run(2 * detectionMs);
    cluster.heal();
    cluster.run(2 * detectionMs);
  }
  assertEquals(told(cluster, "fw1"), []);
  cluster.kill("fw2");
  cluster.run(20 * detectionMs);
  const all = told(cluster, "fw1");
  assert(all.some((text) => text.startsWith("warning peer-dead")), all.join("\n"));
  assert(all.every((text) => !text.includes("path-")), all.join("\n"));
});

Deno.test("a link without carrier is missed by all; one that a node never had, by nobody", () => {
  const cluster = settled(), { detectionMs } = cluster;
  cluster.carrier("fw2", link0, false);
  for (const other of ["fw1", "fw3"]) {
    cluster.cut(`fw2>${other}@${link0}`);
    cluster.cut(`${other}>fw2@${link0}`);
  }
  cluster.run(20 * detectionMs);
  for (const other of ["fw1", "fw3"]) {
    assertEquals(told(cluster, other), ["warning path-lost: fw2 is not heard on link 0"]);
  }
  // Started anew without it, it has no such path.
  cluster.kill("fw2");
  cluster.start("fw2");
  cluster.carrier("fw2", link0, false);
  cluster.run(40 * detectionMs);
  assertEquals(paths(cluster, "fw1", "fw2"), { silentOn: [], deafOn: [] });
  const since = told(cluster, "fw1").slice(1).filter((text) => text.includes("path-"));
  assertEquals(since, []);
});

Deno.test("where a tenth is lost, no path is", () => {
  const cluster = settled({ loss: 0.1 });
  cluster.run(1000 * cluster.detectionMs);
  for (const name of names) {
    assertEquals(told(cluster, name).filter((text) => text.includes("path-")), []);
  }
});
