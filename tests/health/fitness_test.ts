import { assert, assertEquals } from "../assert.ts";
import { Fitness, type FitnessOptions } from "../../lib/health/fitness.ts";
import { Node } from "../../lib/node.ts";
import { encodeHeartbeat } from "../../lib/wire/heartbeat.ts";
import { heartbeat, incarnation } from "../wire/examples.ts";

const fitness = (more: Partial<FitnessOptions> = {}) =>
  new Fitness({ isServing: false, shares: 2, ...more }, 1000);
const own = { weight: 4, carriers: 0b1111 };
const speakers = (...versions: number[]) => () =>
  versions.map((version) => ({ heartbeat: { version, oldest: 1 } }));
const verdict = (factor: number, ...failing: string[]) =>
  ({ kind: "health", verdict: { pending: false, factor, failing } }) as const;

Deno.test("without checks a node says what it is configured to", () => {
  const { weight, carriers, unfit, version } = fitness().says(own, speakers(2));
  assertEquals({ weight, carriers, unfit, version }, { ...own, unfit: false, version: 2 });
});

Deno.test("failing checks multiply the weight; with factor 0 it stays, and the flag says it", () => {
  const one = fitness();
  assertEquals(
    one.take(verdict(0.25, "web"))[0]?.text,
    "check web fails: its weight counts 0.25 times",
  );
  assertEquals([one.says(own, speakers(2)).weight, one.says(own, speakers(2)).unfit], [1, false]);
  assertEquals(
    one.take(verdict(0, "web", "db"))[0]?.text,
    "checks web, db fail: it may own no buckets",
  );
  assertEquals([one.says(own, speakers(2)).weight, one.says(own, speakers(2)).unfit], [4, true]);
  assertEquals(one.take(verdict(0, "web", "db")), [], "told once");
  assertEquals(one.take(verdict(1))[0]?.name, "healthy");
  // What rounds to nothing on the wire would be no weight at all.
  one.take(verdict(0.0001, "web"));
  assertEquals(one.says({ ...own, weight: 0.1 }, speakers()).weight, 0.001);
});

Deno.test("to version 1 an unfit node says that its shares have no carrier", () => {
  const one = fitness();
  one.take(verdict(0, "web"));
  assertEquals(one.says(own, speakers(2, 2)).carriers, 0b1111);
  assertEquals(one.says(own, speakers(2, 1)).carriers, 0b1100);
  one.take(verdict(1));
  assertEquals(one.says(own, speakers(2, 1)).carriers, 0b1111);
});

Deno.test("the ruleset's digest stands in its place, also where nothing else is told", () => {
  const one = fitness({ topics: ["11111111"] });
  one.take({ kind: "ruleset", digest: "aaaaaaaa" });
  const zeros = "00000000";
  const topics = ["11111111", zeros, zeros, zeros, zeros, "aaaaaaaa"];
  assertEquals(one.says(own, speakers()).topics, topics);
  one.take({ kind: "ruleset", digest: null });
  assertEquals(one.says(own, speakers()).topics, [...topics.slice(0, 5), zeros]);
});

Deno.test("it waits for the first verdict, not for ever, and not where it serves already", () => {
  assertEquals(fitness().waitsFor(1000), null);
  const one = fitness({ verdictMs: 500 });
  assert(one.waitsFor(1499) !== null);
  assertEquals(one.waitsFor(1500), null);
  assertEquals(one.says(own, speakers()).unfit, true);
  const two = fitness({ verdictMs: 500 });
  two.take(verdict(1));
  assertEquals(two.waitsFor(1000), null);
  const serving = fitness({ verdictMs: 500, isServing: true });
  serving.take({ kind: "health", verdict: { pending: true, factor: 0, failing: [] } });
  assertEquals([serving.waitsFor(1000), serving.says(own, speakers()).unfit], [null, false]);
  serving.take(verdict(0, "web"));
  assertEquals(serving.says(own, speakers()).unfit, true);
});

Deno.test("a node of version 1 says and understands nothing of version 2", () => {
  const one = fitness({ version: 1 });
  const read = one.understood(heartbeat({ unfit: true }));
  assertEquals([read.version, read.unfit, read.topics], [1, false, []]);
  const said = encodeHeartbeat(heartbeat(one.says(own, speakers(2))));
  const longer = encodeHeartbeat(heartbeat(fitness({ topics: [] }).says(own, speakers(2))));
  assertEquals(longer.length - said.length, 4);
});

Deno.test("who is too new or too old does not count, and keeps a joining node from taking buckets", () => {
  for (
    const [version, oldest, counts] of [[2, 2, true], [3, 2, true], [9, 3, false]] as const
  ) {
    const node = new Node({
      ...{ name: "fw1", incarnation: incarnation(1), weight: 1, intervalMs: 100, multiplier: 3 },
      ...{
        partition: "serve",
        nodes: 2,
        backups: 1,
        configDigest: "0123456789abcdef",
        shares: 2,
        links: 1,
      },
      ...{ addresses: [], clockStepMs: 0.001, listenMs: 3000, adopted: null },
    }, 1000);
    const echo = [{ incarnation: incarnation(1), sequence: 0, heardOn: 1 }];
    const events: string[] = [];
    for (let i = 0; i < 40; i++) {
      const message = encodeHeartbeat(
        heartbeat({ version, oldest, sequence: i + 1, peers: echo, state: "joining" }),
      );
      const input = { kind: "message", incarnation: incarnation(2), interfaceIndex: 0, message };
      for (const effect of node.step({ ...input, kind: "message" }, 1000 + i * 100)) {
        if (effect.kind === "event" && effect.event.name === "conflict") {
          events.push(effect.event.text);
        }
      }
    }
    const { members, refused, reason, state } = node.snapshot(5000);
    assertEquals([members.length, refused.version ?? 0], counts ? [2, 0] : [1, 40]);
    if (counts) continue;
    assertEquals(state, "joining");
    assertEquals(
      reason,
      "conflict: fw2 speaks versions 3 to 9 of the protocol, this node versions 1 to 2",
    );
    assertEquals(events.length, 1, "told once");
  }
});

Deno.test("what must agree can change; the ruleset's digest stays in its place", () => {
  const one = fitness({ topics: ["1", "2", "3", "4", "5", "00000000"] });
  one.take({ kind: "ruleset", digest: "abcdef01" });
  one.agreeIn(["1", "2", "3", "9", "5", "00000000"]);
  assertEquals(one.says(own, speakers(2)).topics, ["1", "2", "3", "9", "5", "abcdef01"]);
});
