/** `avail status --watch` on a terminal of its own (script(1)): what is drawn, and what stays behind. */
import { clipLine, fit } from "../../cli/screen_fit.ts";
import type { ControlRequest, Status } from "../../lib/control.ts";
import { EventRing } from "../../lib/events/event_ring.ts";
import { serveControl } from "../../lib/host/control_socket.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { avail, withDaemon } from "./program.ts";
import { safeStatus, unsafeStatus } from "./statuses.ts";

const otherPage = "\x1b[?1049h", itsOwnPage = "\x1b[?1049l", cursor = "\x1b[?25h";

/** The program on a terminal: what it wrote so far, and keys for it. */
class Terminal {
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #seen = "";

  /** @param prefix What the program is run by. */
  constructor(words: string, size = "rows 40 cols 90", prefix = "") {
    const main = new URL("../../cli/main.ts", import.meta.url).pathname;
    const program = `${Deno.execPath()} run -A --quiet --no-check ${main} ${words}`;
    // The line discipline is shown before and after, so that they can be compared.
    const line = `trap : INT; stty ${size}; stty -g; ${prefix} ${program}; echo "code $?"; stty -g`;
    this.#child = new Deno.Command("script", {
      args: ["--quiet", "--return", "--flush", "--command", `sh -c '${line}'`, "/dev/null"],
      env: { TERM: "xterm", LANG: "C.UTF-8", NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#seen += text;
    }
  }

  get seen(): string {
    return this.#seen;
  }

  /** What was drawn last, without control sequences. */
  get picture(): string {
    const last = this.#seen.slice(this.#seen.lastIndexOf("\x1b[H"));
    // deno-lint-ignore no-control-regex
    return last.replace(/\x1b\[[?\d;]*[A-Za-z]/g, "");
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    for (const end = Date.now() + 30_000; !condition();) {
      assert(Date.now() < end, `${what}: did not come; ${JSON.stringify(this.#seen.slice(-2000))}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async shows(text: string): Promise<void> {
    await this.until(text, () => this.picture.includes(text));
  }

  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** After its end: all that it wrote. */
  async ended(): Promise<string> {
    await this.until("the end", () => /code \d+\r\n.+\r\n/.test(this.#seen));
    await this.#keys.close().catch(() => {});
    await this.#reading;
    await this.#child.stderr.cancel();
    await this.#child.status;
    return this.#seen;
  }

  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
  }
}

function daemonOf(status: () => Status) {
  const ring = new EventRing("fw1", "a".repeat(16));
  ring.take({ time: "2026-01-31T12:00:00.000Z", level: "info", message: "one", fields: {} });
  ring.take({ time: "2026-01-31T12:00:01.000Z", level: "warn", message: "two", fields: {} });
  return (request: ControlRequest) =>
    request.command === "events" ? ring.answer(request) : status();
}

/** The terminal is as it was: page, cursor, line discipline. */
function assertClean(seen: string): void {
  const settings = seen.split("\r\n").filter((line) => /^[0-9a-f]+(:[0-9a-f]+){10,}$/.test(line));
  assertEquals(settings.length, 2, JSON.stringify(seen.slice(-300)));
  assertEquals(settings[0], settings[1], "line discipline");
  assert(seen.lastIndexOf(itsOwnPage) > seen.lastIndexOf(otherPage), "its own page");
  assert(seen.lastIndexOf(cursor) > seen.lastIndexOf("\x1b[?25l"), "the cursor");
}

for (const [name, keys] of [["q", "q"], ["Ctrl-C", "\x03"]] as const) {
  Deno.test(`it is drawn again and again, and ${name} leaves the terminal as it was`, async () => {
    let status = safeStatus;
    await withDaemon(daemonOf(() => status), async (socket) => {
      const terminal = new Terminal(`status --watch --interval 0.1 --socket ${socket}`);
      try {
        await terminal.shows("✔ safe");
        await terminal.shows("warn  log            two");
        assertStringIncludes(terminal.picture, "every 100 ms");
        status = unsafeStatus;
        await terminal.shows("✘ not safe");
        await terminal.type(keys);
        const seen = await terminal.ended();
        assertStringIncludes(seen, "code 0");
        assertClean(seen);
      } finally {
        await terminal.kill();
      }
    });
  });
}

Deno.test("a signal that ends it leaves the terminal as it was, too", async () => {
  const end = async (signal: string, socket: string) => {
    const late = `timeout --foreground --signal ${signal} 5`;
    const terminal = new Terminal(`status --watch --socket ${socket}`, undefined, late);
    try {
      const seen = await terminal.ended();
      assertStringIncludes(seen, "code 124");
      assertStringIncludes(seen, "✔ safe");
      assertClean(seen);
    } finally {
      await terminal.kill();
    }
  };
  await withDaemon(daemonOf(() => safeStatus), async (socket) => {
    await Promise.all(["TERM", "HUP"].map((signal) => end(signal, socket)));
  });
});

Deno.test("a daemon that ends and comes back is waited for", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/control.sock`;
  const serve = async (status: Status) => {
    const stop = new AbortController();
    const handle = daemonOf(() => status);
    const service = await serveControl({ path, handle, signal: stop.signal });
    return async () => {
      stop.abort();
      await service.ended;
    };
  };
  let end = await serve(safeStatus);
  const terminal = new Terminal(`status -w --interval 0.1 --socket ${path}`);
  try {
    await terminal.shows("✔ safe");
    await end();
    await terminal.shows("avail is not running");
    assertStringIncludes(terminal.picture, "ago it was:");
    end = await serve({ ...safeStatus, epoch: 13 });
    await terminal.shows("epoch 13");
    await terminal.type("q");
    assertClean(await terminal.ended());
  } finally {
    await terminal.kill();
    await end();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("nothing is wider or longer than the terminal", async () => {
  await withDaemon(daemonOf(() => unsafeStatus), async (socket) => {
    const terminal = new Terminal(`status --watch --socket ${socket}`, "rows 9 cols 40");
    try {
      await terminal.shows("more lines");
      const lines = terminal.picture.split(/\r+\n/);
      assertEquals(lines.length, 9);
      for (const line of lines) assert([...line].length <= 40, line);
      await terminal.type("q");
      assertClean(await terminal.ended());
    } finally {
      await terminal.kill();
    }
  });
});

Deno.test("what cannot be watched is told before the screen is taken", async () => {
  const terminal = new Terminal("status --watch --socket /nowhere/x.sock");
  try {
    const seen = await terminal.ended();
    assertStringIncludes(seen, "avail is not running");
    assertStringIncludes(seen, "code 3");
    assert(!seen.includes(otherPage));
  } finally {
    await terminal.kill();
  }
  const cases: readonly (readonly [args: readonly string[], says: string])[] = [
    [["--watch"], "standard output is none; add --json"],
    [["--interval", "2"], "--interval without --watch; add --watch"],
    [["--watch", "--interval", "0"], 'interval: "0": write seconds, 0.1 to 3600'],
    [["--watch", "--interval", "1s"], "write seconds"],
  ];
  for (const [args, says] of cases) {
    const { code, stderr } = await avail("status", ...args);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, says);
  }
});

Deno.test("lines are cut by what they show", () => {
  assertEquals(clipLine("\x1b[32mgreen\x1b[0m and", 3), "\x1b[32mgre\x1b[0m");
  assertEquals(clipLine("Füße", 4), "Füße");
  assertEquals(fit(["a", "b", "c"], { columns: 20, rows: 3 }), ["a", "b", "c"]);
  assertEquals(fit(["a", "b", "c", "d"], { columns: 20, rows: 3 }), ["a", "b", " … 2 more lines"]);
  assertEquals(fit(["abc"], { columns: 2, rows: 1 }), ["ab"]);
});
