/** What the replication tells of buckets with open connections, where the core waits for their end. */
import type { FlowRecord } from "../../lib/netlink/flow_record.ts";
import { isOpen } from "../../lib/replication/open_flow.ts";
import { assert, assertEquals } from "../assert.ts";
import { allBuckets, flowOf, Lab, type LabNode } from "./lab.ts";

/** The buckets of the newest report; null: there is none. */
function busyOf(node: LabNode): number[] | null {
  const report = node.reports.findLast(({ kind }) => kind === "busy");
  return report?.kind === "busy" ? [...report.buckets] : null;
}

function tcp(host: number, state: number): FlowRecord {
  const flow = flowOf(host);
  flow.protocol = 6;
  flow.hasTcp = true;
  flow.tcpState = state;
  return flow;
}

Deno.test("only while the core wants to know, and again and again", async () => {
  const lab = new Lab();
  const a = lab.add("fw1");
  const flows = [flowOf(1), flowOf(2)];
  for (const flow of flows) a.table.traffic(flow);
  const away = flowOf(9);
  away.addresses.set([10, 2, 0, 0], 32); // answered by somebody behind this node
  a.table.traffic(away);
  lab.order(a, { claims: [1, 2, 3, 9], keeps: allBuckets });
  await lab.pass(2000);
  assertEquals(busyOf(a), null, "nobody asked");

  lab.order(a, { claims: [1, 2, 3, 9], keeps: allBuckets, tellBusy: true });
  await lab.until("it is told", () => busyOf(a) !== null);
  assertEquals(busyOf(a), [1, 2]);
  a.table.entries.clear();
  a.table.traffic(flows[1]);
  await lab.until("the end of one is told", () => busyOf(a)?.length === 1);
  const { dumps } = a.table;
  await lab.pass(5000);
  assert(a.table.dumps - dumps <= 11, `${a.table.dumps - dumps} readings in 5 s`);

  lab.order(a, { claims: [1, 2, 3, 9], keeps: allBuckets });
  const before = a.table.dumps;
  await lab.pass(3000);
  assertEquals(a.table.dumps, before, "nobody asks any more");
});

Deno.test("where no flows are carried, nothing is read and nothing is told", async () => {
  const lab = new Lab();
  const a = lab.add("fw1", { enabled: false });
  lab.order(a, { claims: allBuckets, tellBusy: true });
  await lab.pass(500);
  assertEquals([busyOf(a), a.table.dumps], [null, 0]);
  const next = a.replicator.step(lab.now);
  assert(next > lab.now, "it does not ask to be called at once");
});

Deno.test("open is what a program may still have a socket for", () => {
  const open = [1, 2, 3, 4, 5, 6, 9].map((state) => isOpen(tcp(1, state)));
  assertEquals(open, open.map(() => true));
  assertEquals([7, 8].map((state) => isOpen(tcp(1, state))), [false, false]);
  assert(isOpen(flowOf(1)), "UDP: until its entry times out");
  for (const protocol of [1, 58]) {
    const ping = flowOf(1);
    ping.protocol = protocol;
    assert(!isOpen(ping), "the kernel answers pings");
  }
});
