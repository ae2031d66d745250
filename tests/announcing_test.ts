/** When a node announces a share: each reason, its repeats, and what is no reason. */
import { Announcing } from "../lib/announcing.ts";
import { assertEquals } from "./assert.ts";

/** What is due from one deadline to the next, with the time of each. */
function all(announcing: Announcing): [number, number, string | null][] {
  const found: [number, number, string | null][] = [];
  for (let at = announcing.deadline; at !== Infinity; at = announcing.deadline) {
    for (const { share, because } of announcing.due(at)) found.push([at, share, because]);
  }
  return found;
}

const event = (name: string, fields: Record<string, string> = {}) => ({ name, fields });

Deno.test("a share whose carrier is back is announced three times; a link is not", () => {
  const announcing = new Announcing(2);
  assertEquals(announcing.deadline, Infinity);
  announcing.carrier(2, 50);
  assertEquals(announcing.deadline, Infinity);
  announcing.carrier(1, 100);
  assertEquals(announcing.due(99), []);
  assertEquals(all(announcing), [
    [100, 1, "its carrier is back"],
    [1100, 1, null],
    [4100, 1, null],
  ]);
});

Deno.test("all shares are announced by who serves at first, not with each further bucket", () => {
  const announcing = new Announcing(2);
  announcing.event(event("activated"), 0);
  assertEquals(all(announcing).map(([, share]) => share), [0, 1, 0, 1, 0, 1]);
  announcing.event(event("activated"), 20_000);
  assertEquals(announcing.deadline, Infinity);
});

Deno.test("who was silent and is heard again is a reason; who is heard for the first time is none", () => {
  const announcing = new Announcing(1);
  announcing.event(event("peer-heard", { node: "fw2" }), 0);
  announcing.event(event("peer-left", { node: "fw2" }), 0);
  announcing.event(event("peer-heard", { node: "fw2" }), 10);
  assertEquals(announcing.deadline, Infinity);
  announcing.event(event("peer-dead", { node: "fw2" }), 20);
  assertEquals(announcing.deadline, Infinity);
  announcing.event(event("peer-heard", { node: "fw3" }), 30);
  assertEquals(announcing.deadline, Infinity);
  announcing.event(event("peer-heard", { node: "fw2" }), 40);
  assertEquals(announcing.due(40), [{ share: 0, because: "fw2 is heard again" }]);
});

Deno.test("a path that is back is a reason on its share alone", () => {
  const announcing = new Announcing(2);
  announcing.event(event("path-back", { node: "fw2", interface: "link 1" }), 0);
  assertEquals(announcing.deadline, Infinity);
  announcing.event(event("path-lost", { node: "fw2", interface: "share 1" }), 0);
  assertEquals(announcing.deadline, Infinity);
  announcing.event(event("path-back", { node: "fw2", interface: "share 1" }), 5);
  assertEquals(announcing.due(5), [{ share: 1, because: "fw2 is heard on it again" }]);
});

Deno.test("what has one cause is announced once; a share that comes and goes once in a second", () => {
  const announcing = new Announcing(1);
  for (const node of ["fw2", "fw3", "fw4"]) {
    announcing.event(event("path-back", { node, interface: "share 0" }), 0);
  }
  assertEquals(announcing.due(0), [{ share: 0, because: "fw2 is heard on it again" }]);
  let firsts = 0;
  for (let at = 0; at < 10_000; at += 10) {
    announcing.carrier(0, at);
    firsts += announcing.due(at).filter(({ because }) => because !== null).length;
  }
  assertEquals(firsts, 9);
});

Deno.test("what could not be made in time is made once", () => {
  const announcing = new Announcing(1);
  announcing.carrier(0, 0);
  assertEquals(announcing.due(60_000), [{ share: 0, because: "its carrier is back" }]);
  assertEquals(announcing.deadline, Infinity);
});
