import { assert, assertEquals, assertLess } from "../assert.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { ReplicatorSettings } from "../../lib/replication/replicator.ts";
import { heldTimeoutS } from "../../lib/replication/replica.ts";
import { plaintextBytesMax } from "../../lib/replication/stream.ts";
import { deriveTestKeys } from "./fixtures.ts";
import { allBuckets, flowOf, Lab, type LabNode, provenOf } from "./lab.ts";

/** fw1 claims all buckets, fw2 holds them; what there is of flows has been sent. */
async function pair(
  settings: Partial<ReplicatorSettings> = {},
  before: (a: LabNode, b: LabNode) => void = () => {},
): Promise<{ lab: Lab; a: LabNode; b: LabNode }> {
  const lab = new Lab();
  const a = lab.add("fw1", settings);
  const b = lab.add("fw2", settings);
  before(a, b);
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets } });
  lab.order(b, { keeps: allBuckets, holds: { fw1: [] } });
  await lab.until("everything is proven", () => provenOf(a, "fw2").size === 256);
  return { lab, a, b };
}

function kinds(node: LabNode): string[] {
  return node.reports.map((report) => report.kind);
}

Deno.test("flows that are there already reach the peer, held longer", async () => {
  const { a, b } = await pair({}, (a) => {
    for (let i = 0; i < 500; i++) a.table.traffic(flowOf(i));
  });
  assertEquals(b.table.entries.size, 500);
  assertEquals(b.table.get(flowOf(7))?.timeoutS, heldTimeoutS);
  assertEquals(a.table.get(flowOf(7))?.timeoutS, 100);
  assertEquals(a.table.dumps, 1, "one reading serves all buckets");
  assertEquals(kinds(b).filter((kind) => kind === "bulkReceived").length, 1);
});

Deno.test("one reading serves all peers", async () => {
  const lab = new Lab();
  const [a, b, c] = ["fw1", "fw2", "fw3"].map((name) => lab.add(name));
  for (let i = 0; i < 500; i++) a.table.traffic(flowOf(i));
  lab.order(b, { keeps: allBuckets, holds: { fw1: [] } });
  lab.order(c, { keeps: allBuckets, holds: { fw1: [] } });
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets, fw3: [1, 2, 3] } });
  await lab.until(
    "both are proven",
    () => provenOf(a, "fw2").size === 256 && provenOf(a, "fw3").size === 3,
  );
  assertEquals(b.table.entries.size, 500);
  assertEquals(c.table.entries.size, 6, "buckets 1, 2 and 3 only");
  assertLess(a.table.dumps, 3);
});

Deno.test("new, changed and ended flows follow", async () => {
  const { lab, a, b } = await pair();
  const flow = flowOf(9);
  a.table.traffic(flow);
  await lab.until("it is there", () => b.table.has(flow));
  flow.mark = 5;
  flow.hasMark = true;
  a.table.traffic(flow);
  await lab.until("its mark is there", () => b.table.get(flow)?.mark === 5);
  a.table.end(flow);
  await lab.until("it is gone", () => !b.table.has(flow));
});

Deno.test("negative control: not enabled, nothing is carried and releases still work", async () => {
  const { lab, a, b } = await pair({ enabled: false }, (a) => a.table.traffic(flowOf(1)));
  a.table.traffic(flowOf(2));
  await lab.pass(100);
  assertEquals([b.table.entries.size, a.table.dumps, b.table.dumps], [0, 0, 0]);
  assertEquals(kinds(b).includes("bulkReceived"), true);
  lab.release(a, { to: "fw2", buckets: BucketSet.of([1]), epoch: 9 });
  await lab.until("released", () => kinds(a).includes("releaseDone"));
  assertEquals(kinds(b).includes("released"), true);
});

Deno.test("the node's own traffic and other nodes' buckets are not sent", async () => {
  const { lab, a, b } = await pair();
  const own = flowOf(9);
  own.addresses[0] = 127;
  a.table.traffic(own);
  lab.order(a, { claims: [1, 2], keeps: allBuckets, holds: { fw2: [1] } });
  a.table.traffic(flowOf(1));
  a.table.traffic(flowOf(2));
  a.table.traffic(flowOf(3));
  await lab.until("the wanted one is there", () => b.table.has(flowOf(1)));
  await lab.pass(50);
  assertEquals(b.table.entries.size, 1);
});

Deno.test("a bucket that is no longer held gets no more events", async () => {
  const { lab, a, b } = await pair();
  lab.order(a, { claims: allBuckets, holds: { fw2: [1] } });
  await lab.until("proven shrinks", () => provenOf(a, "fw2").size === 1);
  a.table.traffic(flowOf(1));
  a.table.traffic(flowOf(2));
  await lab.pass(50);
  assertEquals([b.table.has(flowOf(1)), b.table.has(flowOf(2))], [true, false]);
});

Deno.test("what the peer has and the owner has not is swept", async () => {
  const stale = flowOf(4, 4444);
  const { b } = await pair({}, (a, b) => {
    a.table.traffic(flowOf(4));
    b.table.traffic(stale);
  });
  assertEquals([b.table.has(flowOf(4)), b.table.has(stale)], [true, false]);
});

Deno.test("a node never lets a peer sweep or end flows of its own buckets", async () => {
  const lab = new Lab();
  const a = lab.add("fw1");
  const b = lab.add("fw2");
  b.table.traffic(flowOf(4));
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets } });
  lab.order(b, { claims: [4], keeps: allBuckets, holds: { fw1: [4] } });
  await lab.until(
    "both have sent",
    () => provenOf(a, "fw2").size === 256 && !provenOf(b, "fw1").isEmpty,
  );
  assertEquals(b.table.has(flowOf(4)), true);
  assertEquals(a.table.has(flowOf(4)), true, "what only the other has is added");
  a.table.end(flowOf(4));
  await lab.pass(50);
  assertEquals(b.table.has(flowOf(4)), true);
  assertEquals(b.table.get(flowOf(4))?.timeoutS, 100, "nor are its timeouts touched");
});

Deno.test("buckets that are lost are emptied, those that are kept are not", async () => {
  const { lab, b } = await pair({}, (a) => {
    for (let i = 0; i < 256; i++) a.table.traffic(flowOf(i));
  });
  assertEquals(b.table.entries.size, 256);
  lab.order(b, { keeps: [1, 2, 3], holds: { fw1: [] } });
  await lab.until("emptied", () => b.table.entries.size === 3);
  assertEquals(b.table.has(flowOf(2)), true);
});

Deno.test("a takeover sets held entries back to normal timeouts", async () => {
  const { lab, b } = await pair({}, (a) => a.table.traffic(flowOf(1)));
  assertEquals(b.table.get(flowOf(1))?.timeoutS, heldTimeoutS);
  lab.order(b, { claims: allBuckets });
  await lab.until("normal", () => b.table.get(flowOf(1))?.timeoutS === 120);
});

Deno.test("RELEASE comes behind everything that was said, and is acknowledged", async () => {
  const { lab, a, b } = await pair();
  const buckets = BucketSet.of([1, 2]);
  for (let i = 0; i < 300; i++) a.table.traffic(flowOf(1, i));
  lab.release(a, { to: "fw2", buckets, epoch: 77 });
  // The last packet inside the node, after the order.
  a.table.traffic(flowOf(2, 9));
  const before = lab.now;
  await lab.until("released", () => {
    const isReleased = kinds(b).includes("released");
    if (isReleased) assertEquals(b.table.entries.size, 301, "everything is in the kernel before");
    return isReleased;
  });
  await lab.until("done", () => kinds(a).includes("releaseDone"));
  assert(lab.now - before >= 2, "packets in flight were waited for");
  assertLess(lab.now - before, 10);
  const done = a.reports.findLast((report) => report.kind === "releaseDone");
  assertEquals(done, { kind: "releaseDone", peer: "fw2", buckets, epoch: 77, acknowledged: true });
});

Deno.test("packets in flight are waited for since the frames are off, not since that is known", async () => {
  const { lab, a, b } = await pair();
  const took: number[] = [];
  for (const [epoch, offMs] of [0, 5].entries()) {
    const before = lab.now;
    const released = kinds(b).filter((kind) => kind === "released").length;
    lab.release(a, { to: "fw2", buckets: BucketSet.of([epoch]), epoch }, lab.now - offMs);
    await lab.until(
      "released",
      () => kinds(b).filter((kind) => kind === "released").length > released,
    );
    took.push(lab.now - before);
  }
  assertEquals(took[0] - took[1], 1, `${took}`); // of the lab's steps, a millisecond each
});

Deno.test("behind RELEASE nothing is said of its buckets, also before the claim ends", async () => {
  const { lab, a, b } = await pair();
  lab.release(a, { to: "fw2", buckets: BucketSet.of([1]), epoch: 1 });
  await lab.until("done", () => kinds(a).includes("releaseDone"));
  a.table.traffic(flowOf(1));
  a.table.traffic(flowOf(2));
  await lab.pass(50);
  assertEquals([b.table.has(flowOf(1)), b.table.has(flowOf(2))], [false, true]);
  // Once the claim has ended and begun again, all is as ever.
  lab.order(a, { claims: [2], keeps: allBuckets, holds: { fw2: allBuckets } });
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets } });
  await lab.until("it is there", () => b.table.has(flowOf(1)));
});

Deno.test("a release that cannot be acknowledged says so", async () => {
  const { lab, a } = await pair();
  const buckets = BucketSet.of([1]);
  lab.release(a, { to: "fw9", buckets, epoch: 1 });
  assertEquals(a.reports.at(-1), {
    kind: "releaseDone",
    peer: "fw9",
    buckets,
    epoch: 1,
    acknowledged: false,
  });
  lab.network.isCut = true;
  lab.release(a, { to: "fw2", buckets, epoch: 2 });
  await lab.until("done", () => kinds(a).filter((kind) => kind === "releaseDone").length === 2);
  const done = a.reports.findLast((report) => report.kind === "releaseDone");
  assertEquals(done?.kind === "releaseDone" && done.acknowledged, false);
});

Deno.test("a cut makes everything unproven, and heals by itself", async () => {
  const { lab, a, b } = await pair({}, (a) => a.table.traffic(flowOf(1)));
  lab.network.isCut = true;
  a.table.traffic(flowOf(2));
  a.table.end(flowOf(1));
  const cutAt = lab.now;
  await lab.until("unproven", () => provenOf(a, "fw2").isEmpty);
  assertLess(lab.now - cutAt, 300, "the lag tells, long before the silence does");
  await lab.until("the stream is given up", () => !a.replicator.status(lab.now).peers[0].connected);
  assertLess(lab.now - cutAt, 1100);
  await lab.pass(3000);
  assertEquals(b.table.has(flowOf(2)), false);
  lab.network.isCut = false;
  await lab.until("proven again", () => provenOf(a, "fw2").size === 256);
  assertEquals([b.table.has(flowOf(1)), b.table.has(flowOf(2))], [false, true]);
});

Deno.test("an idle stream stays", async () => {
  const { lab, a } = await pair();
  await lab.pass(5000);
  assertEquals(provenOf(a, "fw2").size, 256);
  assertEquals(a.replicator.counters.ended.size, 0);
});

Deno.test("lost events: everything is sent anew, and stale entries go", async () => {
  const { lab, a, b } = await pair({}, (a) => a.table.traffic(flowOf(1)));
  a.table.traffic(flowOf(2));
  a.table.end(flowOf(1));
  a.table.overrun();
  await lab.until("unproven", () => provenOf(a, "fw2").isEmpty);
  await lab.until("proven again", () => provenOf(a, "fw2").size === 256);
  assertEquals([b.table.has(flowOf(1)), b.table.has(flowOf(2))], [false, true]);
  assertEquals(a.replicator.counters.overruns, 1);
});

Deno.test("a slow peer costs bounded memory and ends up with the truth", async () => {
  const queueBytesMax = 8 * plaintextBytesMax;
  const { lab, a, b } = await pair({ queueBytesMax });
  lab.network.slow.set("fw1", 0);
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 3000; i++) a.table.traffic(flowOf(i, round));
    await lab.pass(5);
  }
  assertEquals(provenOf(a, "fw2").isEmpty, true);
  for (let i = 0; i < 3000; i++) for (let r = 1; r < 20; r++) a.table.end(flowOf(i, r));
  a.table.overrun(); // so many ends at once are lost as well
  lab.network.slow.clear();
  await lab.until("proven again", () => provenOf(a, "fw2").size === 256);
  assertEquals(b.table.entries.size, 3000);
  a.replicator.close();
  assert(a.replicator.counters.overflows > 0, "the queue was dropped");
});

Deno.test("replicas leave room for live traffic, and the owner knows", async () => {
  const lab = new Lab();
  const a = lab.add("fw1");
  const b = lab.add("fw2");
  b.table.max = 2000;
  for (let i = 0; i < 4000; i++) a.table.traffic(flowOf(i));
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets } });
  lab.order(b, { keeps: allBuckets, holds: { fw1: [] } });
  await lab.until("bulk received", () => kinds(b).includes("bulkReceived"));
  await lab.pass(100);
  assertEquals(b.table.entries.size, 1600);
  assertEquals(provenOf(a, "fw2").isEmpty, true);
  assertEquals(a.replicator.status(lab.now).peers[0].safe, false);
  b.table.max = 100_000;
  await lab.until("proven once there is room", () => provenOf(a, "fw2").size === 256);
  assertEquals(b.table.entries.size, 4000);
});

Deno.test("another incarnation or key opens no stream", async () => {
  const lab = new Lab();
  const a = lab.add("fw1");
  const b = lab.add("fw2", { keys: deriveTestKeys("other") });
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets } });
  lab.order(b, { keeps: allBuckets, holds: { fw1: [] } });
  await lab.pass(500);
  assertEquals(a.replicator.status(lab.now).peers, [{
    name: "fw2",
    connected: false,
    safe: false,
  }]);
  assert(b.replicator.counters.ended.has("refused: mac"), "refused with its reason");
});

Deno.test("a peer that is gone from the orders loses its stream; another life gets another", async () => {
  const { lab, a, b } = await pair();
  lab.order(a, { claims: allBuckets });
  assertEquals(provenOf(a, "fw2").isEmpty, true);
  await lab.pass(10);
  assertEquals(b.replicator.status(lab.now).peers[0].connected, false);
  lab.order(a, { claims: allBuckets, holds: { fw2: allBuckets } });
  await lab.until("proven", () => provenOf(a, "fw2").size === 256);
});

Deno.test("counts tell own flows from those held for others", async () => {
  const { lab, a, b } = await pair({}, (a) => {
    for (let i = 0; i < 50; i++) a.table.traffic(flowOf(i));
  });
  for (const { replicator } of [a, b]) replicator.wantCounts();
  await lab.pass(10);
  const counts = ({ replicator }: LabNode) => {
    const { flows, foreign } = replicator.status(lab.now);
    return [flows, foreign];
  };
  assertEquals([counts(a), counts(b)], [[50, 0], [0, 50]]);
});
