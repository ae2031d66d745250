import { formatJson, formatText, Log, type LogLevel, RepeatLimiter } from "../lib/log.ts";
import { assertEquals } from "./assert.ts";

function recorded(level: LogLevel, format: "text" | "json" = "text") {
  const lines: string[] = [];
  const clock = { now: 0 };
  const log = new Log({
    level,
    format,
    output: {
      write: (line) => lines.push(line),
      timeOfDay: () => "12:00:00.000",
      now: () => clock.now,
    },
  });
  return { log, lines, clock };
}

Deno.test("a record reads as text and as JSON", () => {
  const record = {
    time: "12:04:31.250",
    level: "warn",
    message: "fw2 is silent",
    fields: { lastHeardMs: 301, reason: "no route", mac: "03:00:5e:00:00:01", none: null },
  } as const;
  assertEquals(
    formatText(record),
    '12:04:31.250 warn  fw2 is silent  lastHeardMs=301  reason="no route"  ' +
      "mac=03:00:5e:00:00:01  none=null",
  );
  assertEquals(JSON.parse(formatJson(record)), {
    time: record.time,
    level: record.level,
    message: record.message,
    ...record.fields,
  });
});

Deno.test("what comes from outside can neither forge a line nor a record", () => {
  const fields = { message: "forged", peer: "a\nb" };
  const record = { time: "t", level: "info", message: "x\n12:00 error\x1b[2J", fields } as const;
  assertEquals(
    formatText(record),
    't info  x\\n12:00 error\\u001b[2J  message=forged  peer="a\\nb"',
  );
  assertEquals(JSON.parse(formatJson(record)).message, record.message);
});

Deno.test("records below the level are left out", () => {
  const { log, lines } = recorded("warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assertEquals(lines, ["12:00:00.000 warn  c", "12:00:00.000 error d"]);
});

Deno.test("a repeated message is told once a minute, with the number left out", () => {
  const { log, lines, clock } = recorded("info");
  for (clock.now = 0; clock.now < 120_000; clock.now += 1000) {
    log.repeated("warn", "bad tag", { from: "eth0" });
    log.repeated("warn", "replay");
  }
  assertEquals(lines, [
    "12:00:00.000 warn  bad tag  from=eth0",
    "12:00:00.000 warn  replay",
    "12:00:00.000 warn  bad tag  from=eth0  repeated=59",
    "12:00:00.000 warn  replay  repeated=59",
  ]);
  log.warn("bad tag");
  log.warn("bad tag");
  assertEquals(lines.length, 6, "other verbs are not held back");
});

Deno.test("an event that others cause is told once a minute by its kind, with the number left out", () => {
  const limiter = new RepeatLimiter();
  const told: unknown[] = [];
  for (let now = 0; now <= 120_000; now += 10) {
    for (const reason of ["replayed", "not authentic"]) {
      const fields = limiter.fieldsOf(reason, { reason }, now);
      if (fields !== null) told.push(fields);
    }
  }
  assertEquals(told, [
    { reason: "replayed" },
    { reason: "not authentic" },
    { reason: "replayed", repeated: 5999 },
    { reason: "not authentic", repeated: 5999 },
    { reason: "replayed", repeated: 5999 },
    { reason: "not authentic", repeated: 5999 },
  ]);
});

Deno.test("the limiter forgets the oldest of too many keys", () => {
  const limiter = new RepeatLimiter(1000, 2);
  assertEquals(limiter.admit("a", 0), 0);
  assertEquals(limiter.admit("b", 1), 0);
  assertEquals(limiter.admit("a", 2), null);
  assertEquals(limiter.admit("c", 3), 0);
  assertEquals(limiter.admit("b", 4), null, "kept");
  assertEquals(limiter.admit("a", 5), 0, "forgotten, so told again");
});
