/** Two ends of the forwarding over a channel that loses, repeats, delays and keeps copies. */
import {
  Forwarding,
  type ForwardingEffect,
  type OtherNode,
} from "../../lib/forwarding/forwarding.ts";
import { encodeForwardRequest } from "../../lib/wire/forward.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { Random } from "../sim/random.ts";
import { incarnation } from "../wire/examples.ts";

type Outcome = Extract<ForwardingEffect, { kind: "forwarded" }>["outcome"];
type Order = Extract<ForwardingEffect, { kind: "execute" }>;

const intervalMs = 100;

/** One node: its heartbeats leave every interval and are heard at once. */
class Place {
  readonly forwarding: Forwarding;
  readonly outcomes = new Map<number, Outcome>();
  readonly executed: Order[] = [];
  readonly sent: Uint8Array[] = [];
  live: OtherNode[] = [];
  /** Answers at once; null: only when the test says so. */
  answer: ((order: Order) => string) | null = ({ request }) => `did ${request}`;

  constructor(readonly name: string, readonly incarnation: string) {
    const options = { name, incarnation, intervalMs, multiplier: 3 };
    this.forwarding = new Forwarding(options, (sequence) => sequence * intervalMs);
  }

  as(now: number, changes: Partial<OtherNode> = {}): OtherNode {
    const { name, incarnation } = this;
    const sequence = Math.floor(now / intervalMs);
    return { name, incarnation, confirmed: true, heartbeat: { sequence, version: 2 }, ...changes };
  }
}

class Pair {
  now = 100_000;
  readonly a = new Place("fw1", incarnation(1));
  readonly b = new Place("fw2", incarnation(2));
  /** How many copies of a datagram arrive. */
  copies: () => number = () => 1;

  constructor() {
    this.meet();
  }

  meet(): void {
    this.a.live = [this.b.as(this.now)];
    this.b.live = [this.a.as(this.now)];
  }

  ask(id: number, request: string, node = "fw2"): void {
    this.a.forwarding.input({ kind: "forward", id, node, request }, this.a.live, this.now);
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 10) {
      if (this.a.live.length > 0) this.meet();
      this.step(this.a, this.b);
      this.step(this.b, this.a);
    }
  }

  step(from: Place, to: Place): void {
    for (const effect of from.forwarding.step(() => from.live, this.now)) {
      if (effect.kind === "send") {
        from.sent.push(effect.message);
        for (let n = this.copies(); n > 0; n--) this.deliver(effect.message, from, to);
      } else if (effect.kind === "forwarded") {
        assert(!from.outcomes.has(effect.id), "one outcome each");
        from.outcomes.set(effect.id, effect.outcome);
      } else {
        from.executed.push(effect);
        if (from.answer !== null) this.finish(from, effect, from.answer(effect));
      }
    }
  }

  finish(at: Place, { incarnation, id }: Order, answer: string): void {
    at.forwarding.input({ kind: "executed", incarnation, id, answer }, at.live, this.now);
  }

  deliver(message: Uint8Array, from: Place, to: Place): string | null {
    const known = to.live.find((node) => node.incarnation === from.incarnation) ?? null;
    return to.forwarding.take(message, known, this.now);
  }
}

Deno.test("a request is done there and answered here, also in many parts", () => {
  const pair = new Pair();
  pair.b.answer = () => "x".repeat(20_000);
  pair.ask(1, "drain");
  pair.run(50);
  assertEquals(pair.a.outcomes.get(1), { answer: "x".repeat(20_000) });
  const [{ node, request }] = pair.b.executed;
  assertEquals([node, request, pair.b.executed.length], ["fw1", "drain", 1]);
});

Deno.test("over a bad network everything is done once and answered", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const pair = new Pair();
    pair.copies = () => random.chance(0.4) ? 0 : 1 + random.below(3);
    pair.b.answer = ({ request }) => request.repeat(500);
    for (let id = 1; id <= 20; id++) pair.ask(id, `request ${id}`);
    pair.run(4900);
    for (let id = 1; id <= 20; id++) {
      assertEquals(pair.a.outcomes.get(id), { answer: `request ${id}`.repeat(500) }, `${seed}`);
      assertEquals(pair.b.executed.filter((order) => order.id === id).length, 1);
    }
    pair.run(2000);
    assertEquals(pair.a.outcomes.size, 20);
  }
});

Deno.test("nobody by that name: the live ones are told; too long a request is refused", () => {
  const pair = new Pair();
  pair.ask(1, "drain", "fw9");
  pair.ask(2, "x".repeat(2000));
  pair.a.live = [];
  pair.ask(3, "drain");
  pair.step(pair.a, pair.b);
  const texts = [1, 2, 3].map((id) => JSON.stringify(pair.a.outcomes.get(id)));
  assertStringIncludes(texts[0], "fw9");
  assertStringIncludes(texts[0], "live are fw2 and this one, fw1");
  assertStringIncludes(texts[1], "2000 bytes");
  assertStringIncludes(texts[2], "this one, fw1, hears no other");
  assertEquals(pair.b.executed, []);
});

Deno.test("a node of version 1 is not asked, since it would not answer", () => {
  const pair = new Pair();
  pair.a.live = [pair.b.as(pair.now, { heartbeat: { sequence: 1000, version: 1 } })];
  pair.ask(1, "drain");
  pair.step(pair.a, pair.b);
  assertStringIncludes(JSON.stringify(pair.a.outcomes.get(1)), "fw2 speaks version 1");
  assertEquals(pair.a.sent, []);
});

Deno.test("a node that dies while it is asked, and one that never answers", () => {
  const pair = new Pair();
  pair.b.answer = null;
  pair.ask(1, "drain");
  pair.run(100);
  assertEquals([pair.a.outcomes.size, pair.b.executed.length], [0, 1]);
  pair.a.live = [];
  pair.step(pair.a, pair.b);
  assertStringIncludes(JSON.stringify(pair.a.outcomes.get(1)), "fw2 is gone");
  assertEquals(pair.a.forwarding.nextAt, Infinity);

  pair.meet();
  pair.ask(2, "drain");
  pair.run(4900);
  assertEquals(pair.a.outcomes.has(2), false);
  assert(pair.a.forwarding.nextAt <= pair.now + 100, "it is repeated until then");
  pair.run(200);
  assertStringIncludes(JSON.stringify(pair.a.outcomes.get(2)), "no answer from fw2 within 5 s");
  pair.finish(pair.b, pair.b.executed[1], "late");
  pair.run(100);
  assertEquals(pair.a.outcomes.size, 2, "a late answer is nobody's");
});

Deno.test("replays: nothing is done again, soon, late, or after many others", () => {
  const pair = new Pair();
  pair.ask(1, "drain");
  pair.run(50);
  const recorded = pair.a.sent[0];
  const replay = () => pair.deliver(recorded, pair.a, pair.b);
  assertEquals(replay(), null); // its answer is sent again
  for (let id = 2; id <= 80; id++) {
    pair.ask(id, "weight");
    if (id % 20 === 0) pair.run(30);
  }
  assertEquals(pair.a.outcomes.size, 80);
  assertEquals(replay(), "replayed request");
  pair.run(400);
  assertEquals(replay(), "stale request");
  assertEquals(pair.b.executed.filter(({ request }) => request === "drain").length, 1);
});

Deno.test("a request that was held back is not done when nobody waits any more", () => {
  const pair = new Pair();
  pair.copies = () => 0;
  pair.ask(1, "drain");
  pair.run(5050);
  assert("error" in pair.a.outcomes.get(1)!);
  assertEquals(pair.deliver(pair.a.sent[0], pair.a, pair.b), "stale request");
  // The control: held back for a moment only, it is done.
  assertEquals(pair.deliver(pair.a.sent.at(-1)!, pair.a, pair.b), null);
  pair.run(10);
  assertEquals(pair.b.executed.length, 1);
});

Deno.test("only live peers are served, and only by the start that they asked", () => {
  const pair = new Pair();
  const echo = Math.floor(pair.now / intervalMs);
  const message = (to: string) => encodeForwardRequest({ to, id: 1, echo, text: "drain" });
  const { forwarding, incarnation: self } = pair.b;
  assertEquals(forwarding.take(message(self), null, pair.now), "unconfirmed");
  const unconfirmed = pair.a.as(pair.now, { confirmed: false });
  assertEquals(forwarding.take(message(self), unconfirmed, pair.now), "unconfirmed");
  assertEquals(forwarding.take(message(incarnation(9)), pair.a.as(pair.now), pair.now), null);
  assertEquals(forwarding.step(() => pair.b.live, pair.now), []);
  assertEquals(forwarding.take(message(self), pair.a.as(pair.now), pair.now), null);
  assertEquals(forwarding.step(() => pair.b.live, pair.now).map(({ kind }) => kind), ["execute"]);
});

Deno.test("an answer counts from the node that was asked alone", () => {
  const pair = new Pair();
  pair.b.answer = null;
  pair.ask(1, "status");
  pair.run(20);
  const third = new Place("fw3", incarnation(3));
  pair.finish(pair.b, pair.b.executed[0], "genuine");
  const [answer] = pair.b.forwarding.step(() => pair.b.live, pair.now);
  assert(answer.kind === "send");
  pair.a.live.push(third.as(pair.now));
  pair.deliver(answer.message, third, pair.a);
  pair.step(pair.a, pair.b);
  assertEquals(pair.a.outcomes.size, 0);
  pair.deliver(answer.message, pair.b, pair.a);
  pair.step(pair.a, pair.b);
  assertEquals(pair.a.outcomes.get(1), { answer: "genuine" });
});
