/** When the service manager is told that the daemon works, and when it is not. */
import { assertEquals } from "../assert.ts";
import {
  type ServiceWatchPorts,
  statusLine,
  tellInterval,
  tellLeaving,
  watchService,
} from "../../lib/host/service_watch.ts";

function ports(env: Record<string, string>, told: string[] = []): ServiceWatchPorts {
  return { env: (name) => env[name], pid: 42, tell: (state) => void told.push(state) };
}

Deno.test("a sixth of the watchdog's time; every five seconds without one; never without anybody", () => {
  const socket = { NOTIFY_SOCKET: "/run/notify" };
  const cases: readonly (readonly [env: Record<string, string>, everyMs: number | null])[] = [
    [{}, null],
    [{ WATCHDOG_USEC: "30000000" }, null],
    [socket, 5000],
    [{ ...socket, WATCHDOG_USEC: "60000000" }, 10_000],
    [{ ...socket, WATCHDOG_USEC: "3000000", WATCHDOG_PID: "42" }, 500],
    [{ ...socket, WATCHDOG_USEC: "3000000", WATCHDOG_PID: "7" }, 5000],
    [{ ...socket, WATCHDOG_USEC: "x" }, 5000],
  ];
  for (const [env, everyMs] of cases) assertEquals(tellInterval(ports(env)), everyMs);
});

const everyFewMs = { NOTIFY_SOCKET: "@x", WATCHDOG_USEC: "12000" };

Deno.test("it is told as long as the daemon answers, once for each answer", async () => {
  const told: string[] = [];
  const stop = new AbortController();
  const enough = Promise.withResolvers<void>();
  let asked = 0;
  watchService(
    () => {
      if (++asked === 4) enough.resolve();
      return Promise.resolve(`fine ${asked}`);
    },
    stop.signal,
    ports(everyFewMs, told),
  );
  await enough.promise;
  stop.abort();
  assertEquals(told.slice(0, 3), [1, 2, 3].map((n) => `WATCHDOG=1\nSTATUS=fine ${n}`));
});

Deno.test("a daemon that does not answer is asked once, and nothing is told", async () => {
  const told: string[] = [];
  const stop = new AbortController();
  const answer = Promise.withResolvers<string>();
  let asked = 0;
  watchService(() => (asked++, answer.promise), stop.signal, ports(everyFewMs, told));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assertEquals([asked, told], [1, []]);
  answer.resolve("late");
  await answer.promise;
  await Promise.resolve();
  assertEquals(told, ["WATCHDOG=1\nSTATUS=late"]);
  stop.abort();
});

Deno.test("how a node is, in one line", () => {
  const member = { name: "fw1", buckets: 86 } as Parameters<typeof statusLine>[0]["members"][0];
  const node = { name: "fw1", state: "ready", reason: null, members: [member] } as const;
  assertEquals(
    statusLine({ ...node, safe: true, unsafeBecause: null }),
    "fw1 ready, 86 of 256 buckets; safe",
  );
  assertEquals(
    statusLine({
      ...node,
      state: "joining",
      reason: "conflict",
      safe: false,
      unsafeBecause: "256 buckets have no owner",
    }),
    "fw1 joining (conflict), 86 of 256 buckets; not safe: 256 buckets have no owner",
  );
});

Deno.test("leaving asks for the time that handing over may take, and some more", () => {
  const told: string[] = [];
  tellLeaving(45_000, (state) => void told.push(state));
  assertEquals(told, [
    "STOPPING=1\nEXTEND_TIMEOUT_USEC=60000000\nSTATUS=handing over its buckets",
  ]);
});
