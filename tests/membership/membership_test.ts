import { assert, assertEquals } from "../assert.ts";
import { Membership } from "../../lib/membership/membership.ts";
import { heartbeat, incarnation } from "../wire/examples.ts";

const me = incarnation(1);
const echo = [{ incarnation: me, sequence: 4, heardOn: 1 }];
const laterEcho = [{ incarnation: me, sequence: 5, heardOn: 1 }];
const membership = () => new Membership({ name: "fw1", incarnation: me }, 3, 2, { sequence: 4 });
const other = incarnation(2);

Deno.test("a peer counts after it has echoed this start of this node", () => {
  const members = membership();
  members.hear(other, heartbeat({ peers: [] }), 0, 0);
  assertEquals(members.live(), []);
  assertEquals(members.heard().length, 1);
  members.hear(other, heartbeat({ sequence: 8, peers: echo }), 0, 10);
  assertEquals(members.live().map((peer) => peer.ackedSequence), [4]);
});

Deno.test("silence is judged from receipt, by the sender's own interval", () => {
  const members = membership();
  members.hear(other, heartbeat({ intervalMs: 50, peers: echo }), 0, 1000);
  assertEquals(members.expire(1149), []);
  assertEquals(members.expire(1150).map(({ reason }) => reason), ["silent"]);
  assertEquals(members.expire(1150), [], "each death once");
});

Deno.test("recordings of a dead peer revive nobody", () => {
  const members = membership();
  const recorded = heartbeat({ peers: echo });
  members.hear(other, recorded, 0, 0);
  members.expire(1000);
  const hearing = members.hear(other, recorded, 0, 2000);
  assertEquals(hearing, { kind: "refused", reason: "replayed" });
  assertEquals(members.heard(), []);
  // The control: the same start with a number that rises is back.
  assertEquals(members.hear(other, heartbeat({ sequence: 8, peers: echo }), 0, 2000).kind, "new");
});

Deno.test("an older number is refused, the same one counts as heard on another interface", () => {
  const members = membership();
  members.hear(other, heartbeat({ sequence: 7, peers: echo }), 0, 0);
  assertEquals(members.hear(other, heartbeat({ sequence: 6 }), 0, 1).kind, "refused");
  assertEquals(members.hear(other, heartbeat({ sequence: 7 }), 1, 1).kind, "again");
  assertEquals(members.hear(other, heartbeat({ sequence: 7 }), 1, 2).kind, "refused");
  assertEquals(members.heard()[0].heardOn(0), 0b11);
});

Deno.test("a confirmed later start of a node ends the earlier one for good", () => {
  const members = membership(), later = incarnation(9);
  members.hear(other, heartbeat({ peers: echo }), 0, 0);
  members.hear(later, heartbeat({ sequence: 1, peers: [] }), 0, 1);
  assertEquals(members.expire(2), [], "not before it is confirmed");
  members.hear(later, heartbeat({ sequence: 2, peers: echo }), 0, 3);
  assertEquals(members.expire(3), [], "not before it is known to be the later one");
  members.hear(later, heartbeat({ sequence: 3, peers: laterEcho }), 0, 3);
  assertEquals(members.expire(4).map(({ peer, reason }) => [peer.incarnation, reason]), [
    [other, "restarted"],
  ]);
  assertEquals(
    members.hear(other, heartbeat({ sequence: 999, peers: echo }), 0, 5).kind,
    "refused",
  );
});

Deno.test("the last words of an earlier start, heard after the later one, end nothing", () => {
  const members = membership(), earlier = incarnation(9);
  members.hear(other, heartbeat({ sequence: 1, peers: laterEcho }), 0, 0);
  members.hear(earlier, heartbeat({ sequence: 70, peers: echo }), 0, 1);
  assertEquals(members.expire(2), []);
  members.hear(earlier, heartbeat({ sequence: 71, state: "left", peers: echo }), 0, 3);
  assertEquals(members.expire(4).map(({ peer, reason }) => [peer.incarnation, reason]), [
    [earlier, "left"],
  ]);
  assertEquals(members.live().map((peer) => peer.incarnation), [other]);
});

Deno.test("who leaves is gone at once", () => {
  const members = membership();
  members.hear(other, heartbeat({ state: "left", peers: echo }), 0, 0);
  assertEquals(members.expire(0).map(({ reason }) => reason), ["left"]);
});

Deno.test("own datagrams, and more members than there may be, are refused", () => {
  const members = membership();
  assertEquals(members.hear(me, heartbeat(), 0, 0).kind, "refused");
  for (let i = 2; i <= 32; i++) {
    assertEquals(members.hear(incarnation(i), heartbeat({ name: `n${i}` }), 0, 0).kind, "new");
  }
  const hearing = members.hear(incarnation(33), heartbeat({ name: "n33" }), 0, 0);
  assertEquals(hearing, { kind: "refused", reason: "too many members" });
});

Deno.test("after a pause of this process the others have a new term", () => {
  const members = membership();
  members.hear(other, heartbeat({ peers: echo }), 0, 0);
  members.excuse(5000);
  assertEquals(members.expire(5299), []);
  assert(members.expire(5300).length === 1);
});

Deno.test("a start that was met and is heard again does not count, but may take over", () => {
  const members = membership();
  members.hear(other, heartbeat({ peers: echo }), 0, 0);
  members.expire(1000);
  members.hear(other, heartbeat({ sequence: 8, peers: [] }), 0, 1001);
  members.hear(incarnation(3), heartbeat({ name: "fw3", peers: [] }), 0, 1001);
  assertEquals(members.live(), []);
  assertEquals(members.met().map((peer) => peer.incarnation), [other]);
});

Deno.test("a recording that was never heard does not bring the dead back", () => {
  const members = membership();
  members.hear(other, heartbeat({ peers: echo }), 0, 0);
  members.expire(1000);
  members.hear(other, heartbeat({ sequence: 8, peers: echo }), 0, 1001);
  assertEquals(members.live(), []);
  members.hear(other, heartbeat({ sequence: 9, peers: laterEcho }), 0, 1002);
  assertEquals(members.live().length, 1, "an echo of a later heartbeat does");
});

Deno.test("the older of two heartbeats is no recording where it comes by another interface", () => {
  const members = membership();
  members.hear(other, heartbeat({ sequence: 7, peers: echo }), 0, 0);
  members.hear(other, heartbeat({ sequence: 8, peers: echo }), 0, 1);
  assertEquals(members.hear(other, heartbeat({ sequence: 7 }), 1, 2).kind, "again");
  assertEquals(members.hear(other, heartbeat({ sequence: 7 }), 1, 3).kind, "refused");
});

Deno.test("a deaf peer hears nobody, whatever recordings it lists", () => {
  const members = membership(), third = incarnation(3), fourth = incarnation(4);
  members.hear(other, heartbeat({ peers: [{ ...echo[0], incarnation: third }] }), 0, 0);
  members.hear(fourth, heartbeat({ name: "fw4", peers: echo }), 0, 0);
  const [peer] = members.heard();
  assertEquals(members.isDeaf(peer, 1000), true);
  members.hear(third, heartbeat({ name: "fw3", peers: echo }), 0, 0);
  assertEquals(members.isDeaf(peer, 1000), false);
});

Deno.test("who hears nobody is deaf only when a third has been there to be heard", () => {
  const members = membership();
  members.hear(other, heartbeat({ peers: [] }), 0, 0);
  const [peer] = members.heard();
  assertEquals(members.isDeaf(peer, 1000), false);
  members.hear(incarnation(4), heartbeat({ name: "fw4", peers: echo }), 0, 1000);
  assertEquals(
    members.isDeaf(peer, 1399),
    false,
    "three intervals until it is heard, one to say so",
  );
  assertEquals(members.isDeaf(peer, 1400), true);
});
