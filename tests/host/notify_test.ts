/** What the service manager hears of a reload, on a socket of the test's own. */
import {
  AF_UNIX,
  bind,
  CLOCK_MONOTONIC,
  clockMs,
  close,
  receive,
  SOCK_DGRAM,
  socket,
} from "../../ffi/libc.ts";
import { whileReloading } from "../../lib/host/notify.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../assert.ts";

async function heard(body: () => Promise<void>): Promise<string[]> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/notify`;
  const fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  const before = Deno.env.get("NOTIFY_SOCKET");
  try {
    const address = new Uint8Array(110);
    address[0] = AF_UNIX;
    address.set(new TextEncoder().encode(path), 2);
    bind(fd, address);
    Deno.env.set("NOTIFY_SOCKET", path);
    await body();
    const messages: string[] = [];
    const buffer = new Uint8Array(1024);
    for (let n; (n = receive(fd, buffer)) !== null && n > 0;) {
      messages.push(new TextDecoder().decode(buffer.subarray(0, n)));
    }
    return messages;
  } finally {
    if (before === undefined) Deno.env.delete("NOTIFY_SOCKET");
    else Deno.env.set("NOTIFY_SOCKET", before);
    close(fd);
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a reload begins with the time of the clock that systemd goes by, and ends ready", async () => {
  const messages = await heard(async () => {
    assertEquals(await whileReloading(() => Promise.resolve(5), (n) => `done ${n}`), 5);
  });
  assertEquals(messages.length, 2);
  const [, usec] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(messages[0])!;
  const agoMs = clockMs(CLOCK_MONOTONIC) - Number(usec) / 1000;
  assert(agoMs >= 0 && agoMs < 60_000, `${agoMs} ms ago`);
  assertEquals(messages[1], "READY=1\nSTATUS=done 5");
});

Deno.test("one that fails is told as over, too; without a service manager nobody is", async () => {
  const messages = await heard(async () => {
    await assertRejects(
      () => whileReloading(() => Promise.reject(new Error("no")), () => ""),
      Error,
      "no",
    );
  });
  assertMatch(messages[1], /^READY=1\nSTATUS=the reload failed$/);
  const before = Deno.env.get("NOTIFY_SOCKET");
  Deno.env.delete("NOTIFY_SOCKET");
  assertEquals(await whileReloading(() => Promise.resolve(1), () => ""), 1);
  if (before !== undefined) Deno.env.set("NOTIFY_SOCKET", before);
});
