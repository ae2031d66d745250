/** The server of the metrics against clients as they are, and as they should not be. */
import { MetricsServer } from "../../lib/host/metrics_server.ts";
import { metricsConnectionsMax, metricsRequestBytesMax } from "../../lib/limits.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";

interface Served {
  readonly server: MetricsServer;
  /** How often the page was made. */
  readonly made: () => number;
  readonly port: number;
}

/** Serves a page on a port of its own while `body` runs. */
async function serving(
  body: (served: Served) => Promise<void>,
  page: () => Promise<string> = () => Promise.resolve("avail_safe 1\n"),
  connectionMsMax = 10_000,
): Promise<void> {
  let made = 0;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const server = new MetricsServer({
    listen: "127.0.0.1:0",
    page: () => (made++, page()),
    listening: resolve,
    failed: reject,
    connectionMsMax,
  });
  const running = server.run();
  try {
    const port = Number((await promise).split(":")[1]);
    await body({ server, port, made: () => made });
  } finally {
    server.close();
    await running;
  }
}

async function connect(port: number): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname: "127.0.0.1", port });
}

/** Sends these bytes and reads until the end. */
async function exchange(port: number, request: string): Promise<string> {
  using connection = await connect(port);
  await connection.write(new TextEncoder().encode(request));
  return await readAll(connection);
}

async function readAll(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(65536);
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let n; (n = await connection.read(buffer)) !== null;) {
      text += decoder.decode(buffer.subarray(0, n), { stream: true });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return text;
}

Deno.test("GET has the page, HEAD its head, and the connection ends", async () => {
  await serving(async ({ port }) => {
    const get = await exchange(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assertEquals(get.split("\r\n"), [
      "HTTP/1.1 200 OK",
      "Content-Type: text/plain; version=0.0.4; charset=utf-8",
      "Content-Length: 13",
      "Cache-Control: no-store",
      "Connection: close",
      "",
      "avail_safe 1\n",
    ]);
    const head = await exchange(port, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assertEquals(head, get.slice(0, -"avail_safe 1\n".length));
    // What others make of it.
    const response = await fetch(`http://127.0.0.1:${port}/metrics?x=1`);
    assertEquals([response.status, await response.text()], [200, "avail_safe 1\n"]);
  });
});

const requests: readonly (readonly [request: string, status: number, says: string])[] = [
  ["GET /metrics HTTP/1.0\r\n\r\n", 200, "avail_safe 1"],
  ["GET /metrics HTTP/1.1\n\n", 200, "avail_safe 1"],
  ["GET http://fw1:9477/metrics HTTP/1.1\r\n\r\n", 200, "avail_safe 1"],
  ["GET / HTTP/1.1\r\n\r\n", 404, "there is only /metrics"],
  ["GET /metrics/ HTTP/1.1\r\n\r\n", 404, "there is only /metrics"],
  ["GET /metrics/../x HTTP/1.1\r\n\r\n", 404, "there is only /metrics"],
  ["POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405, "POST: only GET and HEAD"],
  ["DELETE /metrics HTTP/1.1\r\n\r\n", 405, "Allow: GET, HEAD"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "this speaks HTTP/1.1"],
  ["GET /metrics\r\n\r\n", 400, "this is no HTTP request"],
  ["GET  /metrics HTTP/1.1\r\n\r\n", 400, "this is no HTTP request"],
  ["\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "this is no HTTP request"],
  ["\r\n\r\n", 400, "this is no HTTP request"],
  [`GET /${"x".repeat(metricsRequestBytesMax)} HTTP/1.1\r\n\r\n`, 431, "8192 bytes at most"],
  [`GET /metrics HTTP/1.1\r\n${"A: b\r\n".repeat(100_000)}\r\n`, 431, "8192 bytes at most"],
];

Deno.test("each request has its answer", async () => {
  await serving(async ({ port }) => {
    for (const [request, status, says] of requests) {
      const answer = await exchange(port, request);
      assertMatch(answer, new RegExp(`^HTTP/1\\.1 ${status} `), request.slice(0, 60));
      assertStringIncludes(answer, says);
    }
  });
});

Deno.test("however many ask, the page is made once a second at most", async () => {
  await serving(async ({ port, made }) => {
    for (let i = 0; i < 20; i++) await exchange(port, "GET /metrics HTTP/1.1\r\n\r\n");
    await exchange(port, "GET /other HTTP/1.1\r\n\r\n");
    assert(made() <= 3, `made ${made()} times`);
  });
});

Deno.test("a page that cannot be made is an answer, too, and the next one is tried", async () => {
  let fails = true;
  const page = () => fails ? Promise.reject(new Error("secret")) : Promise.resolve("fine\n");
  await serving(async ({ port }) => {
    const answer = await exchange(port, "GET /metrics HTTP/1.1\r\n\r\n");
    assertMatch(answer, /^HTTP\/1\.1 500 /);
    assert(!answer.includes("secret"), "what went wrong inside is nobody's business");
    fails = false;
    assertStringIncludes(await exchange(port, "GET /metrics HTTP/1.1\r\n\r\n"), "fine");
  }, page);
});

Deno.test("a crowd that says nothing is let go, and its places are free again", async () => {
  await serving(async ({ port }) => {
    const crowd = await Promise.all(
      Array.from({ length: metricsConnectionsMax }, () => connect(port)),
    );
    const late = await exchange(port, "GET /metrics HTTP/1.1\r\n\r\n").catch(() => "");
    assertEquals(late, "", "there is no room");
    for (const connection of crowd) connection.close();
    let answer = "";
    for (const end = Date.now() + 20_000; answer === "" && Date.now() < end;) {
      answer = await exchange(port, "GET /metrics HTTP/1.1\r\n\r\n").catch(() => "");
    }
    assertStringIncludes(answer, "avail_safe 1");
  });
});

Deno.test("whoever asks nothing, or does not read the answer, is let go in time", async () => {
  const long = () => Promise.resolve("x".repeat(64 << 20));
  await serving(
    async ({ port }) => {
      using silent = await connect(port);
      assertEquals(await readAll(silent), "");
      using deaf = await connect(port);
      await deaf.write(new TextEncoder().encode("GET /metrics HTTP/1.1\r\n\r\n"));
      await new Promise((resolve) => setTimeout(resolve, 400));
      const read = (await readAll(deaf)).length;
      assert(read < 64 << 20, `all of ${read} bytes waited for it`);
    },
    long,
    200,
  );
});

Deno.test("a request that comes in pieces is one; one that ends early is none", async () => {
  await serving(async ({ port }) => {
    using connection = await connect(port);
    for (const byte of "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") {
      await connection.write(new TextEncoder().encode(byte));
    }
    assertStringIncludes(await readAll(connection), "avail_safe 1");
    using early = await connect(port);
    await early.write(new TextEncoder().encode("GET /metrics HT"));
    await early.closeWrite();
    assertEquals(await readAll(early), "");
  });
});

Deno.test("an address that is taken is told once, and had when it is free", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listen = `127.0.0.1:${taken.addr.port}`;
  const problems: string[] = [];
  const first = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<string>();
  const server = new MetricsServer({
    listen,
    page: () => Promise.resolve("x 1\n"),
    listening: listening.resolve,
    failed: (problem) => {
      problems.push(problem);
      first.resolve();
    },
  });
  const running = server.run();
  try {
    await first.promise;
    assertEquals(problems.length, 1);
    assertStringIncludes(problems[0], `metrics on ${listen}: `);
    // Elsewhere at once, without waiting for the next try.
    server.use("127.0.0.1:0");
    const port = Number((await listening.promise).split(":")[1]);
    assertStringIncludes(await exchange(port, "GET /metrics HTTP/1.1\r\n\r\n"), "x 1");
    server.use("off");
    for (;;) {
      try {
        (await connect(port)).close();
      } catch {
        break;
      }
    }
  } finally {
    server.close();
    await running;
  }
});
