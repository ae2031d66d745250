import { assertEquals } from "../assert.ts";
import { IPS_ASSURED } from "../../lib/netlink/ctnetlink_numbers.ts";
import { FlowRecord } from "../../lib/netlink/flow_record.ts";
import { defaultTimeouts, normalTimeoutS } from "../../lib/netlink/timeouts.ts";

function timeoutOf(protocol: number, state: { tcpState?: number; status?: number } = {}): number {
  return normalTimeoutS(Object.assign(new FlowRecord(), { protocol, ...state }), defaultTimeouts);
}

Deno.test("an entry's normal timeout goes by protocol and state", () => {
  assertEquals(timeoutOf(6, { tcpState: 3 }), 432_000);
  assertEquals(timeoutOf(6, { tcpState: 7 }), 120);
  assertEquals(timeoutOf(6, { tcpState: 8 }), 10);
  assertEquals(timeoutOf(6, { tcpState: 99 }), 432_000, "a state of a later kernel");
  assertEquals(timeoutOf(17), 30);
  assertEquals(timeoutOf(17, { status: IPS_ASSURED }), 120);
  assertEquals([timeoutOf(1), timeoutOf(58), timeoutOf(47)], [30, 30, 600]);
});

Deno.test("this machine's settings count", () => {
  const flow = Object.assign(new FlowRecord(), { protocol: 17 });
  assertEquals(normalTimeoutS(flow, { ...defaultTimeouts, udp_timeout: 7 }), 7);
});
