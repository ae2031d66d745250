/** The datapath's counters by bucket, on real traffic and for every backend. */
import { FlowBuckets } from "../../lib/ownership/flow_bucket.ts";
import { assert, assertEquals, assertGreater } from "../assert.ts";
import { range, type SteeringLab } from "./steering_lab.ts";
import {
  netnsTest,
  nodes,
  pingFromAll,
  startThirds,
  thirds,
  variants,
} from "./steering_traffic.ts";

const shared = "10.1.0.100";
/** Ethernet, IPv4, ICMP, and the 56 bytes that ping sends. */
const pingBytes = 14 + 20 + 8 + 56;

/** How many of the echo requests of one `pingFromAll` are in each bucket. */
function requestsByBucket(lab: SteeringLab): number[] {
  const { seed, shares } = lab.options(1);
  const buckets = new FlowBuckets({
    seed,
    shares: shares.map((share) => ({ ...share, mac: "auto" })),
  });
  const counts = new Array<number>(256).fill(0);
  for (const host of range(11, 41)) {
    counts[buckets.bucketOf({ source: `10.1.0.${host}`, destination: shared })!] += 3;
  }
  return counts;
}

for (const variant of variants) {
  netnsTest(`${variant}: what was sent is counted in its bucket, at its owner`, async (lab) => {
    await startThirds(lab, variant);
    const sent = requestsByBucket(lab);
    assertGreater(sent.filter((count) => count > 0).length, 20);
    assertEquals(await pingFromAll(lab, 4, shared), { received: 90, duplicates: 0 });
    for (const node of nodes) {
      const mine = new Set<number>(thirds[node]);
      const expected = sent.map((count, bucket) => mine.has(bucket) ? count : 0);
      const { packets, bytes } = await lab.processes.get(node)!.load();
      // What others own was refused here, and is the control: it was received, too.
      assertEquals(packets, expected, `node ${node}`);
      assertEquals(bytes, expected.map((count) => count * pingBytes), `node ${node}`);
      const { accepted, dropped } = await lab.processes.get(node)!.counters();
      assert(accepted >= packets.reduce((sum, count) => sum + count, 0));
      assertGreater(dropped.notOwned, 0);
    }

    // The next daemon goes on with the counters.
    const before = await lab.processes.get(1)!.load();
    await lab.processes.get(1)!.end("keep");
    const again = await lab.start(1, { mode: variant === "tc" ? "tc" : "auto" });
    assertEquals(await again.load(), before);
    await pingFromAll(lab, 4, shared);
    const after = await again.load();
    assertEquals(after.packets, before.packets.map((count) => 2 * count));

    // Without a lease nothing is taken, and so nothing counted.
    await again.lease(-1);
    await pingFromAll(lab, 4, shared);
    assertEquals(await again.load(), after);
  });
}
