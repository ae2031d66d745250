import { assertEquals } from "../assert.ts";
import { FlowSet } from "../../lib/replication/flow_set.ts";
import { flowOf } from "./lab.ts";

Deno.test("a set of flows has what was put in and nothing else", () => {
  const set = new FlowSet();
  for (let host = 0; host < 20_000; host++) set.add(flowOf(host, host % 7));
  assertEquals(set.size, 20_000);
  for (let host = 0; host < 20_000; host++) {
    if (!set.has(flowOf(host, host % 7))) throw new Error(`flow ${host} is missing`);
    if (set.has(flowOf(host, 7))) throw new Error(`flow ${host} with another port is there`);
  }
});

Deno.test("what names a flow tells it apart; what does not does not", () => {
  const set = new FlowSet();
  const flow = flowOf(1);
  set.add(flow);
  set.add(flow);
  assertEquals(set.size, 1);
  flow.mark = 5;
  flow.timeoutS = 9;
  assertEquals(set.has(flow), true);
  flow.zone = 1;
  assertEquals(set.has(flow), false);
  flow.zone = 0;
  flow.protocol = 6;
  assertEquals(set.has(flow), false);
});
