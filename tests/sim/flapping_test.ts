/** A node that fails again and again, with and without damping. */
import { assert, assertEquals } from "../assert.ts";
import { encodeHeartbeat } from "../../lib/wire/heartbeat.ts";
import { heartbeat, incarnation } from "../wire/examples.ts";
import { Cluster } from "./cluster.ts";

const names = ["fw1", "fw2", "fw3"];

/** fw3 loses its power eight times, and is back each time; how often buckets moved, and the cluster. */
function flapping(flapHalfLifeMs: number): { readonly cluster: Cluster; readonly moves: number } {
  const cluster = new Cluster({ seed: 5, names, flapHalfLifeMs });
  names.forEach((name) => cluster.start(name));
  assert(cluster.runUntil(() => isEven(cluster), 20_000));
  cluster.checks.resetMoves();
  for (let i = 0; i < 8; i++) {
    cluster.kill("fw3");
    cluster.run(1000);
    cluster.start("fw3");
    cluster.run(7000);
  }
  return { cluster, moves: cluster.checks.moves.reduce((sum, count) => sum + count) };
}

const isEven = (cluster: Cluster) =>
  cluster.loads().toSorted().join() === "85,85,86" && cluster.snapshot("fw1").safe;

const damped = (cluster: Cluster) =>
  cluster.snapshot("fw1").members.find(({ name }) => name === "fw3")!.dampedMs;

Deno.test("after three failures a node gets nothing until it has been steady", () => {
  const { cluster, moves } = flapping(30_000);
  assertEquals(cluster.loads(), [128, 128, 0]);
  assert(damped(cluster) > 10_000, `${damped(cluster)}`);
  assert(moves <= 6 * 86, `${moves} moves`);
  assertEquals(cluster.snapshot("fw1").safe, true, "the others are backups of each other");
  const told = (name: string) => cluster.machine("fw1").events.filter((e) => e.event.name === name);
  assertEquals(told("flapping").length, 1);
  assert(cluster.runUntil(() => isEven(cluster), 100_000), "steady, it gets its share again");
  assertEquals(told("steady").length, 1);
  assertEquals(cluster.violations, []);
});

Deno.test("control: without damping its buckets move each time", () => {
  const { cluster, moves } = flapping(0);
  assertEquals(damped(cluster), 0);
  assert(moves >= 14 * 85, `${moves} moves`);
});

Deno.test("what never heard this node, such as a recording, damps nobody when it falls silent", () => {
  const cluster = new Cluster({ seed: 5, names, flapHalfLifeMs: 30_000 });
  names.forEach((name) => cluster.start(name));
  assert(cluster.runUntil(() => isEven(cluster), 20_000));
  const fw1 = cluster.machine("fw1");
  const said = heartbeat({ name: "fw3", peers: [], configDigest: "0123456789abcdef" });
  for (let i = 0; i < 6; i++) {
    const message = encodeHeartbeat(said);
    const now = fw1.clock(cluster.now);
    fw1.core!.step(
      { kind: "message", incarnation: incarnation(40 + i), interfaceIndex: 0, message },
      now,
    );
    cluster.run(1000);
  }
  assertEquals([damped(cluster), cluster.loads().toSorted()], [0, [85, 85, 86]]);
});
