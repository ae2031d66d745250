import type { ControlRequest } from "../../lib/control.ts";
import { AvailError, exitCodes } from "../../lib/errors.ts";
import { controlRequest, serveControl } from "../../lib/host/control_socket.ts";
import { controlConnectionsMax, controlRequestBytesMax } from "../../lib/limits.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

/** Runs `body` with a service in a directory of its own, and ends both. */
async function withService(
  handle: (request: ControlRequest) => unknown,
  body: (path: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const stop = new AbortController();
  const path = `${directory}/run/control.sock`;
  try {
    const service = await serveControl({ path, handle, signal: stop.signal });
    try {
      await body(path);
    } finally {
      stop.abort();
      await service.ended;
    }
    assertEquals([...Deno.readDirSync(`${directory}/run`)], [], "the socket is gone");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Sends raw bytes and gives all that comes back. */
async function exchange(path: string, text: string): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(text));
  await connection.closeWrite();
  return await new Response(connection.readable).text();
}

Deno.test("a request gets its answer, and the socket is root's alone", async () => {
  await withService((request) => ({ asked: request }), async (path) => {
    assertEquals(await controlRequest(path, { command: "status" }), {
      asked: { command: "status" },
    });
    const { mode } = await Deno.stat(path);
    assertEquals(mode! & 0o777, 0o600);
    assertEquals((await Deno.stat(path.replace(/\/[^/]*$/, ""))).mode! & 0o777, 0o755);
  });
});

Deno.test("many requests on one connection are answered in order", async () => {
  let n = 0;
  await withService(async () => {
    await Promise.resolve();
    return ++n;
  }, async (path) => {
    const answer = await exchange(path, '{"command":"status"}\n'.repeat(3));
    assertEquals(answer, [1, 2, 3].map((n) => `{"ok":true,"result":${n}}\n`).join(""));
  });
});

Deno.test("what is no request is refused with its reason and harms nobody", async () => {
  await withService(() => "fine", async (path) => {
    for (
      const [line, reason] of [
        ["status", "not JSON"],
        ["[]", "not an object"],
        ['{"command":"reboot"}', 'unknown command "reboot"'],
        ['{"command":"who","source":"1.2.3.4"}', "destination undefined"],
        ['{"command":"who","source":"1.2.3.4","destination":"::1"}', "two families"],
        ['{"command":"who","source":"1.2.3","destination":"::1"}', 'source "1.2.3"'],
        [
          '{"command":"who","source":"::1","destination":"::2","protocol":256}',
          "protocol 256",
        ],
        [
          '{"command":"who","source":"::1","destination":"::2","sourcePort":1.5}',
          "sourcePort 1.5",
        ],
        ['{"command":"who","source":"::1","destination":"::2","share":1}', "share 1"],
        ['{"command":"weight"}', "weight undefined; give a number from 0.001 to 1000"],
        ['{"command":"weight","weight":0}', "weight 0"],
        ['{"command":"weight","weight":"1"}', 'weight "1"'],
        ['{"command":"weight","weight":1.2345}', "with three decimals at most"],
        ['{"command":"forward","request":{"command":"drain"}}', "node undefined"],
        ['{"command":"forward","node":"fw2"}', "not an object"],
        [
          '{"command":"forward","node":"fw2","request":{"command":"who","source":"::1",' +
          '"destination":"::2"}}',
          "who cannot be forwarded",
        ],
      ]
    ) {
      const reply = JSON.parse(await exchange(path, line + "\n"));
      assertEquals(reply.ok, false, line);
      assert(reply.error.includes(reason), `${line}: ${reply.error}`);
    }
    const long = JSON.parse(await exchange(path, "x".repeat(controlRequestBytesMax + 1)));
    assert(long.error.includes("a line of more than"), long.error);
    assertEquals(await controlRequest(path, { command: "status" }), "fine");
  });
});

Deno.test("a failure of the daemon is told in its own words", async () => {
  await withService(() => {
    throw new AvailError("drain: this node is alone");
  }, async (path) => {
    const error = await assertRejects(
      () => controlRequest(path, { command: "drain" }),
      AvailError,
      "drain: this node is alone",
    );
    assertEquals(error.exitCode, exitCodes.failed);
  });
});

Deno.test("a second daemon is refused, and the first one goes on", async () => {
  await withService(() => "first", async (path) => {
    const second = { path, handle: () => "second", signal: new AbortController().signal };
    const error = await assertRejects(() => serveControl(second), AvailError, "another daemon");
    assertEquals(error.exitCode, exitCodes.failed);
    assertEquals(await controlRequest(path, { command: "status" }), "first");
  });
});

Deno.test("the socket of a dead daemon is replaced, another file is not", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/control.sock`;
  const stop = new AbortController();
  const options = { path, handle: () => "alive", signal: stop.signal };
  try {
    Deno.writeTextFileSync(path, "precious");
    await assertRejects(() => serveControl(options), AvailError, "there is something else");
    assertEquals(Deno.readTextFileSync(path), "precious");
    Deno.removeSync(path);

    Deno.listen({ transport: "unix", path }).close(); // leaves its socket behind, as a kill does
    const stale = await assertRejects(
      () => controlRequest(path, { command: "status" }),
      AvailError,
      "is not running",
    );
    assertEquals(stale.exitCode, exitCodes.notRunning);
    const service = await serveControl(options);
    assertEquals(await controlRequest(path, { command: "status" }), "alive");
    stop.abort();
    await service.ended;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("of two daemons that start at once over a stale socket, one wins", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/control.sock`;
  const stop = new AbortController();
  try {
    Deno.listen({ transport: "unix", path }).close();
    const outcomes = await Promise.allSettled(
      Array.from(
        { length: 5 },
        (_, i) => serveControl({ path, handle: () => i, signal: stop.signal }),
      ),
    );
    const won = outcomes.flatMap((o) => o.status === "fulfilled" ? [o.value] : []);
    assertEquals(won.length, 1);
    stop.abort();
    await won[0].ended;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("nobody there: exit code 3, with the path and the remedy", async () => {
  const error = await assertRejects(
    () => controlRequest("/nowhere/control.sock", { command: "status" }),
    AvailError,
    "nobody listens on /nowhere/control.sock; start it with",
  );
  assertEquals(error.exitCode, exitCodes.notRunning);
});

Deno.test("a daemon that hangs is told apart from one that is not there", async () => {
  const never = Promise.withResolvers<void>();
  await withService(() => never.promise, async (path) => {
    const error = await assertRejects(
      () => controlRequest(path, { command: "status" }, 100),
      AvailError,
      "no answer within 100 ms",
    );
    assertEquals(error.exitCode, exitCodes.failed);
    never.resolve();
  });
});

Deno.test("connections beyond the bound are closed at once", async () => {
  await withService(() => "fine", async (path) => {
    const open: Deno.Conn[] = [];
    for (let i = 0; i < controlConnectionsMax; i++) {
      open.push(await Deno.connect({ transport: "unix", path }));
    }
    await assertRejects(() => controlRequest(path, { command: "status" }), AvailError);
    for (const connection of open) connection.close();
    const deadline = performance.now() + 5000;
    for (let answer: unknown = null; answer !== "fine";) {
      assert(performance.now() < deadline, "room again after they left");
      answer = await controlRequest(path, { command: "status" }).catch(() => null);
    }
  });
});
