/** The rule by which a majority knows that nobody else is there. D is 300 ms here. */
import { Quorum } from "../../lib/membership/quorum.ts";
import type { Peer } from "../../lib/membership/peer.ts";
import { assertEquals } from "../assert.ts";

const detectionMs = 300;
const supporters = [{ incarnation: "b" }, { incarnation: "c" }];

/** A heartbeat's part that counts: who sent it, and whom it names. */
function from(incarnation: string, ...named: string[]): Peer {
  const peers = named.map((name) => ({ incarnation: name, sequence: 1, heardOn: 1 }));
  return { incarnation, heartbeat: { peers } } as unknown as Peer;
}

/** One of three nodes (a, this one, hears b and sometimes c) that was started at 0. */
function hearing(options: { until: number; everyMs?: number; named?: string[]; from?: number }) {
  const quorum = new Quorum(2, detectionMs, 0);
  const { until, everyMs = 100, named = ["a"] } = options;
  for (let now = options.from ?? 0; now <= until; now += everyMs) {
    quorum.heard(from("b", ...named), now - 5, (incarnation) => "abc".includes(incarnation), now);
  }
  return quorum;
}

Deno.test("alone in a cluster of one, nobody has to be asked", () => {
  assertEquals(new Quorum(1, detectionMs, 0).agrees([], 0), true);
});

Deno.test("a supporter counts when it has named nobody unknown for a detection time", () => {
  assertEquals(hearing({ until: 200 }).agrees(supporters, 200), false, "it is new");
  assertEquals(hearing({ until: 400 }).agrees(supporters, 400), true);
  assertEquals(hearing({ until: 400 }).agrees([], 400), false, "it does not support this plan");
  assertEquals(hearing({ until: 400 }).agrees([{ incarnation: "c" }], 400), false, "c is silent");
});

Deno.test("one that names somebody whom this node does not hear counts for nothing", () => {
  const quorum = hearing({ until: 400, named: ["a", "x"] });
  assertEquals(quorum.agrees(supporters, 400), false);
});

Deno.test("whoever named a stranger just now has to begin anew", () => {
  const quorum = hearing({ until: 400 });
  const isKnown = (incarnation: string) => incarnation !== "x";
  quorum.heard(from("b", "x"), 445, isKnown, 450);
  assertEquals(quorum.agrees(supporters, 450), false);
  quorum.heard(from("b"), 540, isKnown, 550);
  assertEquals(quorum.agrees(supporters, 550), false, "one heartbeat is no span of time");
  quorum.heard(from("b"), 640, isKnown, 650);
  assertEquals(quorum.agrees(supporters, 650), true);
});

Deno.test("heartbeats further apart than a detection time hide what was in between", () => {
  const quorum = hearing({ until: 590, everyMs: 295 });
  assertEquals(quorum.agrees(supporters, 590), false);
  assertEquals(hearing({ until: 588, everyMs: 294 }).agrees(supporters, 588), true);
});

Deno.test("what was agreed upon longer ago than a detection time is over", () => {
  const quorum = hearing({ until: 500 });
  assertEquals(quorum.agrees(supporters, 494 + detectionMs), true);
  assertEquals(quorum.agrees(supporters, 495 + detectionMs), false);
});

Deno.test("a peer that this node loses may be heard by others: all begin anew", () => {
  const quorum = hearing({ until: 500 });
  quorum.lost("c", 510);
  assertEquals(quorum.agrees(supporters, 510), false);
  quorum.heard(from("b"), 505, () => true, 520);
  assertEquals(quorum.agrees(supporters, 520), false, "it acknowledges what was sent before");
});

Deno.test("a start of this node that is younger than a detection time knows too little", () => {
  const quorum = new Quorum(2, detectionMs, 1000);
  for (let now = 0; now <= 1200; now += 100) {
    quorum.heard(from("b"), now - 5, () => true, now);
  }
  assertEquals(quorum.agrees(supporters, 1200), false);
});
