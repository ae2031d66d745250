import { assertEquals } from "../assert.ts";
import { guardOf, leaseUntil } from "../../lib/ownership/lease.ts";

const now = 10_000;
const terms = {
  sentAt: now,
  ...{ intervalMs: 100, detectionMs: 300, guardMs: 2, groupSize: 3, required: 1 },
  acknowledged: [],
};
const peer = (ackedAgoMs: number, heardAgoMs = 10, isDeaf = false) => ({
  ackedSentAt: now - ackedAgoMs,
  lastHeard: now - heardAgoMs,
  isDeaf,
});
const left = (peers: ReturnType<typeof peer>[], changes = {}) =>
  leaseUntil(peers, { ...terms, ...changes }, now) - now;

Deno.test("alone, the lease is a detection time less the guard", () => {
  assertEquals(left([]), 298);
});

Deno.test("it does not outlive this node's own silence", () => {
  assertEquals(left([], { sentAt: now - 90 }), 208);
});

Deno.test("it runs from the send time of what was acknowledged, the least of all peers", () => {
  assertEquals(left([peer(50), peer(120)]), 178);
});

Deno.test("a peer that does not acknowledge ends it, also before now", () => {
  assertEquals(left([peer(50), peer(Infinity)]), -Infinity);
  assertEquals(left([peer(400)]), -102);
});

Deno.test("a peer that is not heard any more is left out just before it would end the lease", () => {
  assertEquals(left([peer(297, 197)]), 1);
  assertEquals(left([peer(298, 198)]), 298);
  assertEquals(left([peer(347, 198)]), 298);
});

Deno.test("a peer that had missed something before it fell silent ends the lease", () => {
  assertEquals(left([peer(348, 198)]), -50);
  assertEquals(left([peer(598, 299)]), -300);
  assertEquals(left([peer(Infinity, 299)]), -Infinity);
});

Deno.test("a deaf peer ends it only where nobody else hears this node", () => {
  assertEquals(left([peer(400, 10, true), peer(50)], { groupSize: 2 }), 248);
  assertEquals(left([peer(400, 10, true)], { groupSize: 1 }), -102);
});

Deno.test("a majority needs the acknowledgements of others, also when nobody else is heard", () => {
  assertEquals(left([], { required: 2, acknowledged: [] }), -Infinity);
  const acknowledged = [now - 300, now - 60];
  assertEquals(left([peer(60, 250)], { required: 2, acknowledged }), 238);
  assertEquals(left([peer(60, 250)], { required: 3, acknowledged }), -2);
});

Deno.test("the guard is 2 ms, or two steps of a coarse clock, and a thousandth of D for drift", () => {
  assertEquals(guardOf(0.000001, 0), 2);
  assertEquals(guardOf(4, 300), 8.3);
  assertEquals(guardOf(0.000001, 30_000), 32);
});
