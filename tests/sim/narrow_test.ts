/** Windows of a few milliseconds that random stories hit once in thousands: each is searched here, all of it. */
import { assert, assertEquals } from "../assert.ts";
import { Cluster } from "./cluster.ts";

const three = ["fw1", "fw2", "fw3"];

function started(options: Partial<ConstructorParameters<typeof Cluster>[0]>): Cluster {
  const cluster = new Cluster({ seed: 1, names: three, ...options });
  for (const name of three) cluster.start(name);
  const isShared = () => cluster.loads().every((load) => load > 80);
  assert(cluster.runUntil(isShared, 20_000), `loads ${cluster.loads()}`);
  return cluster;
}

Deno.test("drained and resumed while buckets are on their way to it, a node takes none twice", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const cluster = started({ seed });
    cluster.command("fw3", "drain");
    assert(cluster.runUntil(() => cluster.loads()[2] === 0, 5000));
    cluster.command("fw3", "resume");
    assert(cluster.runUntil(() => cluster.loads()[2] > 0, 5000, 0.2));
    cluster.command("fw3", "drain");
    cluster.run(seed % 20);
    cluster.command("fw3", "resume");
    cluster.run(1000);
    assertEquals(cluster.violations, [], `seed ${seed}`);
  }
});

Deno.test("a peer that has lost this node, and of which one heartbeat is lost, is not taken for gone", () => {
  for (let seed = 1; seed <= 800; seed++) {
    const cluster = started({ seed, shares: 1, links: 0, delayMsMax: 0.5, loss: 0.05 });
    cluster.run(cluster.random.next() * 100);
    cluster.cut("fw1>fw2");
    cluster.run(700);
    assertEquals(cluster.violations, [], `seed ${seed}`);
  }
});
