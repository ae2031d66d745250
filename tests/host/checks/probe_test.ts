/** Each kind of check against something that works and something that does not. */
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { probe } from "../../../lib/host/checks/probe.ts";

const patience = () => AbortSignal.timeout(10_000);
const soon = () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort("no answer within 100 ms"), 100);
  return controller.signal;
};

/** Answers every connection with some text; null: never. Port 0 of the loopback interface. */
function serve(answer: string | null) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const requests: string[] = [];
  const done = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      const bytes = new Uint8Array(1024);
      const length = await connection.read(bytes).catch(() => null);
      requests.push(new TextDecoder().decode(bytes.subarray(0, length ?? 0)));
      if (answer !== null) {
        await connection.write(new TextEncoder().encode(answer)).catch(() => {});
      }
    }
  })();
  return {
    port: listener.addr.port,
    requests,
    async [Symbol.asyncDispose]() {
      listener.close();
      await done;
      for (const connection of open) {
        try {
          connection.close();
        } catch {
          // it has ended already
        }
      }
    },
  };
}

const tcp = (port: number) => ({ kind: "tcp", host: "127.0.0.1", port }) as const;
const http = (port: number, status = 200, path = "/alive") =>
  ({ kind: "http", host: "127.0.0.1", port, path, status }) as const;
const command = (...argv: string[]) => ({ kind: "command", argv }) as const;

/** A port that nobody listens on any more. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("tcp: a listener is well, a closed port is not", async () => {
  await using server = serve(null);
  assertEquals(await probe(tcp(server.port), patience()), null);
  assertEquals(await probe(tcp(freePort()), patience()), "connection refused");
});

Deno.test("http: the status decides", async () => {
  await using server = serve("HTTP/1.1 204 No Content\r\n\r\n");
  assertEquals(await probe(http(server.port, 204), patience()), null);
  assertEquals(await probe(http(server.port), patience()), "status 204 instead of 200");
  assertMatch(server.requests[0], /^GET \/alive HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/);
  assert(server.requests[0].endsWith("\r\n\r\n"));
});

Deno.test("http: what speaks something else, and what says nothing", async () => {
  await using ssh = serve("SSH-2.0-OpenSSH\r\n");
  assertEquals(await probe(http(ssh.port), patience()), "the answer is not HTTP");
  await using endless = serve("x".repeat(5000));
  assertEquals(await probe(http(endless.port), patience()), "the answer is not HTTP");
  await using silent = serve(null);
  assertEquals(await probe(http(silent.port), soon()), "no answer within 100 ms");
});

Deno.test("command: its exit code decides, its complaint is kept", async () => {
  assertEquals(await probe(command("/bin/true"), patience()), null);
  assertEquals(await probe(command("/bin/false"), patience()), "exit code 1");
  assertMatch(
    await probe(command("/bin/ls", "/nowhere at all"), patience()) ?? "",
    /^exit code 2: .*\/nowhere at all/,
  );
  assertMatch(await probe(command("/nowhere"), patience()) ?? "", /nowhere/);
});

Deno.test("command: no shell reads it, and it has no environment of ours", async () => {
  const marker = await Deno.makeTempDir();
  try {
    await probe(command("/bin/echo", `; touch ${marker}/x`, "$(id)"), patience());
    assertEquals([...Deno.readDirSync(marker)], []);
    Deno.env.set("AVAIL_TEST_SECRET", "1");
    assertEquals(
      await probe(
        command("/usr/bin/env", "-u", "PATH", "/bin/sh", "-c", "test -z $AVAIL_TEST_SECRET"),
        patience(),
      ),
      null,
    );
  } finally {
    Deno.env.delete("AVAIL_TEST_SECRET");
    await Deno.remove(marker, { recursive: true });
  }
});

Deno.test("command: one that hangs is killed at its deadline", async () => {
  const began = performance.now();
  assertEquals(await probe(command("/bin/sleep", "30"), soon()), "no answer within 100 ms");
  assert(performance.now() - began < 10_000);
});

Deno.test("command: a child that keeps its standard error open holds nobody up", async () => {
  const began = performance.now();
  const argv = ["/bin/sh", "-c", "sleep 3 & exit 0"];
  assertEquals(await probe(command(...argv), patience()), null);
  assert(performance.now() - began < 2500);
});
