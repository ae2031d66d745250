/**
 * Buckets that are handed over stand still meanwhile, so nothing that takes long may be in their way: a
 * reading of a large table is given up for them, and none begins while more of them come.
 */
import { assert, assertEquals, assertGreater, assertLess } from "../assert.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { allBuckets, flowOf, Lab, type LabNode, provenOf } from "./lab.ts";

/** Read in 100 steps, so in 100 ms of the lab's. */
const flows = 10_000;
/** Of the one that is to hold all. */
const third = "fw3";

/** fw1 claims all buckets and fw2 holds them; then fw3 is to hold them, too, and is being read for. */
async function reading(): Promise<{ lab: Lab; a: LabNode; b: LabNode; c: LabNode }> {
  const lab = new Lab();
  const [a, b, c] = ["fw1", "fw2", third].map((name) => lab.add(name));
  for (let i = 0; i < flows; i++) a.table.traffic(flowOf(i));
  for (const node of [b, c]) lab.order(node, { keeps: allBuckets, holds: { fw1: [] } });
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets } });
  await lab.until("fw2 has all", () => provenOf(a, "fw2").size === 256);
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets, [third]: allBuckets } });
  const before = a.table.dumps;
  await lab.until("the table is read", () => a.table.dumps > before);
  await lab.pass(10);
  return { lab, a, b, c };
}

function done(node: LabNode): number {
  return node.reports.filter((report) => report.kind === "releaseDone" && report.acknowledged)
    .length;
}

/** How long it took until it was acknowledged. */
async function handOver(lab: Lab, from: LabNode, epoch: number, buckets: number[]) {
  const before = done(from), since = lab.now;
  lab.release(from, { to: "fw2", buckets: BucketSet.of(buckets), epoch });
  await lab.until("acknowledged", () => done(from) > before);
  return lab.now - since;
}

Deno.test("a hand-over does not wait for a reading, which is made anew", async () => {
  const { lab, a, c } = await reading();
  // What was read already and ends meanwhile must not stay at the peer.
  const ended = flowOf(5);
  a.table.end(ended);
  assertLess(await handOver(lab, a, 1, [1, 2]), 15);
  assertEquals(a.table.abandoned, 1);
  assertEquals(provenOf(a, third).size, 0);
  const rest = allBuckets.filter((bucket) => bucket > 2);
  lab.order(a, { claims: rest, keeps: [1, 2], holds: { fw2: rest, [third]: rest } });
  await lab.until("fw3 has the rest", () => provenOf(a, third).size === rest.length);
  const wanted = [...a.table.entries.values()].filter((flow) => (flow.addresses[3] & 0xff) > 2);
  assertGreater(wanted.length, 9000);
  for (const flow of wanted) assert(c.table.has(flow), "everything has come");
  assertEquals(c.table.has(ended), false, "and what has ended has gone");
});

Deno.test("what the reading was for besides is not forgotten", async () => {
  const { lab, a } = await reading();
  const kept = allBuckets.filter((bucket) => bucket !== 9);
  await lab.until("the reading is over", () => provenOf(a, third).size === 256);
  // Lost: nothing of it may stay.
  lab.order(a, { claims: kept, holds: { fw2: kept } });
  const before = a.table.dumps;
  await lab.until("the table is read", () => a.table.dumps > before);
  assert(a.table.has(flowOf(256 * 30 + 9)), "it has only begun");
  await handOver(lab, a, 1, [3]);
  assertEquals(a.table.abandoned, 1);
  await lab.until("it is gone", () => !a.table.has(flowOf(256 * 30 + 9)));
});

Deno.test("no reading begins while hand-overs come; afterwards one does at once", async () => {
  const { lab, a, b } = await reading();
  await lab.until("the reading is over", () => provenOf(a, third).size === 256);
  await lab.pass(100);
  const dumps = [a.table.dumps, b.table.dumps];
  for (let i = 0; i < 8; i++) {
    // Each leaves a reading to be done on both sides: of what is lost, and for new holders.
    const claims = allBuckets.slice(i + 1);
    lab.order(a, { claims, holds: { fw2: claims, [third]: claims } });
    lab.order(b, { claims: allBuckets.slice(0, i), keeps: claims, holds: { fw1: allBuckets } });
    assertLess(await handOver(lab, a, i + 1, [i + 1]), 15);
    await lab.pass(25);
    assertEquals([a.table.dumps, b.table.dumps], dumps, `hand-over ${i}`);
  }
  await lab.pass(60);
  assertGreater(a.table.dumps, dumps[0]);
  assertGreater(b.table.dumps, dumps[1]);
});

Deno.test("hand-overs without an end do not keep the table from being read", async () => {
  const { lab, a } = await reading();
  await lab.until("the reading is over", () => provenOf(a, third).size === 256);
  a.table.dumpSlice = flows; // so that it is over before the next one
  const before = a.table.dumps;
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets } });
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets, [third]: allBuckets } });
  for (let i = 0; i < 120; i++) {
    await handOver(lab, a, i + 1, [i]);
    await lab.pass(20);
  }
  assertGreater(a.table.dumps, before);
});

Deno.test("between two readings there is time for what the first one has proven", async () => {
  const lab = new Lab();
  const [a, b, c] = ["fw1", "fw2", third].map((name) => lab.add(name));
  for (let i = 0; i < 200; i++) a.table.traffic(flowOf(2 * i));
  for (let i = 0; i < 200; i++) b.table.traffic(flowOf(2 * i + 1));
  const [even, odd] = [0, 1].map((rest) => allBuckets.filter((bucket) => bucket % 2 === rest));
  lab.order(c, { keeps: allBuckets, holds: { fw1: [], fw2: [] } });
  lab.order(a, { claims: even, keeps: odd, holds: { [third]: even } });
  c.table.dumpSlice = 1;
  lab.order(b, { claims: odd, keeps: even, holds: { [third]: [] } });
  await lab.until("fw3 sweeps", () => c.table.dumps > 0);
  // The second bulk comes before the first one's sweep is over.
  lab.order(b, { claims: odd, keeps: even, holds: { [third]: odd } });
  let dumpsAtFirst = 0;
  await lab.until("fw3 has all", () => {
    const proven = [a, b].filter((node) => provenOf(node, third).size === 128).length;
    if (proven === 1) dumpsAtFirst ||= c.table.dumps;
    return proven === 2;
  });
  assertEquals([dumpsAtFirst, c.table.dumps], [1, 2]);
});

Deno.test("a reading that waits for the kernel lets everything else go on", async () => {
  const { lab, a, c } = await reading();
  a.table.isWaiting = true;
  await lab.pass(50);
  assertLess(await handOver(lab, a, 1, [1]), 15);
  assertEquals(a.table.abandoned, 1);
  await lab.pass(100);
  assertEquals(provenOf(a, third).size, 0, "the next one waits, too");
  a.table.goOn();
  const rest = allBuckets.filter((bucket) => bucket !== 1);
  lab.order(a, { claims: rest, keeps: [1], holds: { fw2: rest, [third]: rest } });
  await lab.until("fw3 has the rest", () => provenOf(a, third).size === rest.length);
  assert(c.table.has(flowOf(256 * 30 + 9)));
});
