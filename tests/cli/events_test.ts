/** `avail events` against a daemon that answers as the test says. */
import { readLevel, readSince } from "../../cli/event_inputs.ts";
import { eventLine } from "../../cli/event_text.ts";
import type { ControlRequest } from "../../lib/control.ts";
import type { NodeEvent } from "../../lib/events/event.ts";
import { EventRing } from "../../lib/events/event_ring.ts";
import { serveControl } from "../../lib/host/control_socket.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "../assert.ts";
import { avail, withDaemon } from "./program.ts";

const time = "2026-01-31T12:00:01.250Z";

function ringOf(run: string, ...messages: string[]): EventRing {
  const ring = new EventRing("fw1", run);
  for (const message of messages) {
    ring.take({ time, level: message.startsWith("!") ? "warn" : "info", message, fields: {} });
  }
  return ring;
}

const answering = (ring: EventRing) => (request: ControlRequest) => {
  if (request.command !== "events") throw new Error(`not asked for here: ${request.command}`);
  return ring.answer(request);
};

const jsonOf = (text: string): Record<string, unknown>[] =>
  text.trimEnd().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));

Deno.test("what there is, as text and as JSON lines", async () => {
  const ring = ringOf("a".repeat(16), "one", "!two", "three");
  await withDaemon(answering(ring), async (socket) => {
    const text = await avail("events", "--socket", socket);
    assertEquals([text.code, text.stderr], [0, ""]);
    assertEquals(text.stdout.split("\n").map((line) => line.slice(24)), [
      "info  log            one",
      "warn  log            !two",
      "info  log            three",
      "",
    ]);
    const last = await avail("events", "--socket", socket, "-n", "1", "--json");
    assertEquals(jsonOf(last.stdout), [{
      ...{ schema: 1, node: "fw1", run: "a".repeat(16), id: 3, time, level: "info" },
      ...{ event: "log", message: "three", fields: {} },
    }]);
    const warnings = await avail("events", "--socket", socket, "--level", "warning", "--json");
    assertEquals(jsonOf(warnings.stdout).map(({ message }) => message), ["!two"]);
    const late = await avail("events", "--socket", socket, "--since", "2026-02-01");
    assertEquals(late.stdout, "");
    const old = await avail("events", "--socket", socket, "--since", "2026-01-01T00:00Z", "--json");
    assertEquals(jsonOf(old.stdout).length, 3);
  });
});

Deno.test("of another node, through this one's daemon", async () => {
  const asked: ControlRequest[] = [];
  const ring = ringOf("b".repeat(16), "there");
  const handle = (request: ControlRequest) => (asked.push(request), ring.answer({}));
  await withDaemon(handle, async (socket) => {
    await avail("events", "--socket", socket, "--node", "fw2", "--level", "error");
    assertEquals(asked, [{
      command: "forward",
      node: "fw2",
      request: { command: "events", level: "error", last: 50 },
    }]);
  });
});

Deno.test("--follow goes on through the daemon's end and its next start", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/control.sock`;
  const serve = async (ring: EventRing) => {
    const stop = new AbortController();
    const service = await serveControl({ path, handle: answering(ring), signal: stop.signal });
    return async () => {
      stop.abort();
      await service.ended;
    };
  };
  const first = ringOf("a".repeat(16), "one", "two");
  let end = await serve(first);
  const follower = new Follower(["events", "--socket", path, "--follow", "--json", "-n", "1"]);
  const words = new Follower(["events", "--socket", path, "--follow"]);
  try {
    assertEquals((await follower.next()).message, "two");
    first.take({ time, level: "info", message: "three", fields: {} });
    assertEquals((await follower.next()).message, "three");
    await words.until("stdout", "three");
    await end();
    // "avail is not running", or that the daemon hung up, if it was just being asked.
    await words.until("stderr", "; waiting for it");
    end = await serve(ringOf("b".repeat(16), "anew"));
    const anew = await follower.next();
    assertEquals([anew.message, anew.id, anew.run], ["anew", 1, "b".repeat(16)]);
    await words.until("stdout", "anew");
    await words.until("stderr", "-- the daemon was restarted");
  } finally {
    await follower.end();
    await words.end();
    await end();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("nobody there is an end with code 3, also with --follow", async () => {
  const { code, stderr } = await avail("events", "--follow", "--socket", "/nowhere/x.sock");
  assertEquals(code, 3);
  assertStringIncludes(stderr, "avail is not running");
});

Deno.test("wrong words", async () => {
  const cases: readonly (readonly [args: readonly string[], says: string])[] = [
    [["--since", "yesterday"], 'since: "yesterday": write so long ago (10m, 2h, 3d)'],
    [["--since", "25:00"], "write so long ago"],
    [["--since", "2026-13-01"], "write so long ago"],
    [["--level", "loud"], 'level: "loud": levels are debug, info, warn, error'],
    [["-n", "many"], 'lines: "many": a number of lines is a whole number from 0 to 1000'],
    [["--node", "fw_1"], "this is no node's name"],
    [["now"], '"now" is one word too many'],
  ];
  for (const [args, says] of cases) {
    const { code, stderr, stdout } = await avail("events", ...args);
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, says);
  }
});

Deno.test("since when", () => {
  const now = new Date("2026-03-10T14:30:00");
  const local = (text: string) => new Date(text).getTime();
  const times: readonly (readonly [text: string, time: number])[] = [
    ["90s", now.getTime() - 90_000],
    ["10m", now.getTime() - 600_000],
    ["10 min", now.getTime() - 600_000],
    ["2h", now.getTime() - 7_200_000],
    ["3d", now.getTime() - 259_200_000],
    ["14:29", local("2026-03-10T14:29:00")],
    ["14:31", local("2026-03-09T14:31:00")],
    ["0:00:05", local("2026-03-10T00:00:05")],
    ["2026-03-01", local("2026-03-01T00:00:00")],
    ["2026-03-01 08:15", local("2026-03-01T08:15:00")],
    ["2026-03-01T08:15:30.5Z", Date.UTC(2026, 2, 1, 8, 15, 30, 500)],
    ["2026-03-01T08:15+01:00", Date.UTC(2026, 2, 1, 7, 15)],
  ];
  for (const [text, time] of times) assertEquals(readSince(text, now).getTime(), time, text);
  for (const text of ["", "10", "m", "10x", "24:00", "12:60", "2026-02-30T99:00", "1 2", "now"]) {
    assertThrows(() => readSince(text, now), Error, "write so long ago", text);
  }
  assertEquals(["warn", "WARNING", "err", "notice"].map(readLevel), [
    "warn",
    "warn",
    "error",
    "info",
  ]);
});

Deno.test("a line says each thing once, and steers no terminal", () => {
  const event: NodeEvent = {
    ...{ id: 1, time, level: "warn", event: "peer-dead" },
    message: "fw2 is silent for 301 ms",
    fields: { node: "fw2", lastHeardMs: 301, was: "a b" },
  };
  const style = { colour: false, unicode: true };
  assertMatch(
    eventLine(event, style),
    /^\d{4}-\d\d-\d\d \d\d:\d\d:01\.250 warn {2}peer-dead {6}fw2 is silent for 301 ms {2}was="a b"$/,
  );
  const forged = { ...event, event: "\x1b[2J", message: "x\ny\x1b]0;t\x07" };
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f]/.test(eventLine(forged, style)));
});

/** A program that does not end by itself; its lines as they come. */
class Follower {
  readonly #child: Deno.ChildProcess;
  readonly #seen = { stdout: "", stderr: "" };
  readonly #reading: Promise<unknown>;
  #taken = 0;

  constructor(args: readonly string[]) {
    const main = new URL("../../cli/main.ts", import.meta.url).pathname;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", main, ...args],
      env: { NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all((["stdout", "stderr"] as const).map(async (name) => {
      const stream = this.#child[name].pipeThrough(new TextDecoderStream());
      for await (const text of stream) this.#seen[name] += text;
    }));
  }

  /** The next JSON line. */
  async next(): Promise<Record<string, unknown>> {
    const lines = () => this.#seen.stdout.split("\n").slice(0, -1);
    await this.#wait(() => lines().length > this.#taken, `line ${this.#taken + 1}`);
    return JSON.parse(lines()[this.#taken++]);
  }

  async until(stream: "stdout" | "stderr", text: string): Promise<void> {
    await this.#wait(() => this.#seen[stream].includes(text), `"${text}" on ${stream}`);
  }

  async #wait(isThere: () => boolean, what: string): Promise<void> {
    for (const end = Date.now() + 30_000; !isThere();) {
      assert(Date.now() < end, `${what} did not come; ${JSON.stringify(this.#seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async end(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#reading;
    await this.#child.status;
  }
}
