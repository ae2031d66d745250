/** A node that was damped gets its share again when damping is turned off by a reload. */
import { assert, assertEquals } from "../assert.ts";
import { Cluster } from "../sim/cluster.ts";

const names = ["fw1", "fw2", "fw3"];

/** fw3 has failed so often that it gets nothing. */
function damped(): Cluster {
  const cluster = new Cluster({ seed: 5, names, flapHalfLifeMs: 30_000 });
  names.forEach((name) => cluster.start(name));
  assert(cluster.runUntil(() => Math.min(...cluster.loads()) >= 85, 20_000));
  for (let i = 0; i < 4; i++) {
    cluster.kill("fw3");
    cluster.run(1000);
    cluster.start("fw3");
    cluster.run(7000);
  }
  assertEquals(cluster.loads(), [128, 128, 0]);
  return cluster;
}

const settings = {
  weight: null,
  drainTimeoutMs: 0,
  backups: 1,
  configDigest: "0123456789abcdef",
  topics: [],
} as const;

Deno.test("what has failed is forgotten with another damping, and only then", () => {
  const cluster = damped();
  for (const name of names) cluster.settings(name, { kind: "configure", id: "a", settings });
  cluster.run(5000);
  assertEquals(cluster.loads(), [128, 128, 0], "the control: something else was reloaded");
  for (const name of names) {
    const free = { ...settings, flapHalfLifeMs: 0 };
    cluster.settings(name, { kind: "configure", id: "b", settings: free });
  }
  assert(cluster.runUntil(() => Math.min(...cluster.loads()) >= 85, 3000), `${cluster.loads()}`);
  assertEquals(cluster.violations, []);
});
