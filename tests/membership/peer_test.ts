/** Interfaces that come while a peer is known. */
import { Peer } from "../../lib/membership/peer.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { heartbeat, incarnation } from "../wire/examples.ts";
import { assertEquals } from "../assert.ts";

Deno.test("a peer is heard on an interface that was added later, and what was heard before stays", () => {
  const peer = new Peer(incarnation(1), heartbeat(), 2, 0, BucketSet.empty());
  assertEquals(peer.alsoHeardOn(1, 5, 10), true);
  assertEquals(peer.heardOn(0), 0b10);
  assertEquals(peer.alsoHeardOn(4, 5, 20), true);
  assertEquals(peer.alsoHeardOn(4, 5, 21), false, "the same, again");
  assertEquals(peer.alsoHeardOn(1, 5, 22), false, "what it brought before is remembered");
  assertEquals([peer.heardOn(0), peer.heardOn(15)], [0b10010, 0b10000]);
});
