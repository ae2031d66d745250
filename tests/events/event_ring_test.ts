import { EventRing } from "../../lib/events/event_ring.ts";
import { parseEventsRequest } from "../../lib/events/events_request.ts";
import { eventsAnswerBytesMax, eventTextMax } from "../../lib/limits.ts";
import type { LogLevel } from "../../lib/log.ts";
import { assert, assertEquals, assertLess, assertThrows } from "../assert.ts";

const run = "0123456789abcdef";
const second = (n: number) => `2026-01-31T12:00:${String(n).padStart(2, "0")}.000Z`;

/** Event n came at second n. */
function ringOf(levels: readonly LogLevel[], keptMax?: number): EventRing {
  const ring = new EventRing("fw1", run, keptMax);
  levels.forEach((level, i) => {
    ring.take({
      time: second(i + 1),
      level,
      message: `m${i + 1}`,
      fields: { event: "e", n: i + 1 },
    });
  });
  return ring;
}

const ids = (ring: EventRing, query = {}) => ring.answer(query).events.map(({ id }) => id);

Deno.test("an event is a log record with a number and a name", () => {
  const ring = ringOf(["info"]);
  ring.take({ time: second(2), level: "warn", message: "text", fields: { a: null } });
  assertEquals(ring.answer({}), {
    schema: 1,
    node: "fw1",
    run,
    events: [
      { id: 1, time: second(1), level: "info", event: "e", message: "m1", fields: { n: 1 } },
      { id: 2, time: second(2), level: "warn", event: "log", message: "text", fields: { a: null } },
    ],
    next: 2,
    more: false,
    lost: 0,
  });
});

Deno.test("what is asked for is what is told", () => {
  const ring = ringOf(["info", "warn", "error", "info"]);
  assertEquals(ids(ring), [1, 2, 3, 4]);
  assertEquals(ids(ring, { after: 2 }), [3, 4]);
  assertEquals(ids(ring, { after: 2, run }), [3, 4]);
  assertEquals(ids(ring, { after: 2, run: "f".repeat(16) }), [1, 2, 3, 4], "of another run");
  assertEquals(ids(ring, { level: "warn" }), [2, 3]);
  assertEquals(ids(ring, { level: "error" }), [3]);
  assertEquals(ids(ring, { since: second(3) }), [3, 4]);
  assertEquals(ids(ring, { last: 1 }), [4]);
  assertEquals(ids(ring, { last: 0 }), []);
  assertEquals(ids(ring, { last: 1, level: "warn" }), [3]);
  assertEquals(ring.answer({ level: "error" }).next, 4, "what was left out was looked at, too");
});

Deno.test("only the newest are kept, and whoever was too slow is told", () => {
  const ring = ringOf(new Array(10).fill("info"), 3);
  assertEquals(ids(ring), [8, 9, 10]);
  assertEquals(ring.answer({ after: 5 }).lost, 2);
  assertEquals(ring.answer({ after: 7 }).lost, 0);
  assertEquals(ring.answer({}).lost, 0, "whoever asks for the first time has missed nothing");
  assertEquals(ring.counts, [{ event: "e", level: "info", count: 10 }]);
});

Deno.test("an answer has a bound, and the next ones have the rest in order", () => {
  const ring = new EventRing("fw1", run);
  const message = "ü".repeat(400);
  for (let i = 0; i < 300; i++) ring.take({ time: second(0), level: "info", message, fields: {} });
  const seen: number[] = [];
  let answers = 0;
  for (let after = 0, more = true; more; answers++) {
    const answer = ring.answer({ after });
    assertLess(new TextEncoder().encode(JSON.stringify(answer)).length, eventsAnswerBytesMax + 200);
    seen.push(...answer.events.map(({ id }) => id));
    ({ next: after, more } = answer);
  }
  assertEquals(seen, Array.from({ length: 300 }, (_, i) => i + 1));
  assert(answers > 1);
});

Deno.test("no text of a peer or a kernel fills the ring", () => {
  const ring = new EventRing("fw1", run);
  const long = "x".repeat(100_000);
  const fields = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, long]));
  ring.take({ time: second(0), level: "info", message: long, fields });
  const [event] = ring.answer({}).events;
  assertEquals(event.message.length, eventTextMax);
  assertEquals(event.message.at(-1), "…");
  assertLess(JSON.stringify(event).length, 20_000);
});

Deno.test("a request says what is wrong with it", () => {
  const since = second(1);
  assertEquals(
    parseEventsRequest({ command: "events", run, after: 3, since, level: "warn", last: 5, x: 1 }),
    { command: "events", run, after: 3, since, level: "warn", last: 5 },
  );
  assertEquals(parseEventsRequest({}), { command: "events" });
  const wrong: readonly (readonly [request: Record<string, unknown>, says: string])[] = [
    [{ run: "abc" }, 'run "abc"; give the run of an earlier answer'],
    [{ run: 1 }, "run 1;"],
    [{ after: -1 }, "after -1; give an event's id"],
    [{ after: "3" }, 'after "3";'],
    [{ after: 1.5 }, "after 1.5;"],
    [{ last: null }, "last null; give a whole number"],
    [{ since: "yesterday" }, 'since "yesterday"; give a time such as'],
    [{ since: "2026-01-31T12:00:00Z" }, "since"],
    [{ level: "loud" }, 'level "loud"; give debug, info, warn, error'],
    [{ level: 3 }, "level 3;"],
  ];
  for (const [request, says] of wrong) {
    assertThrows(() => parseEventsRequest(request), Error, `control request: events: ${says}`);
  }
});
