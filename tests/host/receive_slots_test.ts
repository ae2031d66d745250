import { assert, assertEquals } from "../assert.ts";
import {
  AF_INET,
  bind,
  CLOCK_REALTIME,
  clockMs,
  close,
  PollSet,
  ReceiveSlots,
  sendTo,
  setSocketOption,
  SO_TIMESTAMPNS,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  socket,
  SOL_SOCKET,
} from "../../ffi/libc.ts";

/** struct sockaddr_in of a port on the loopback. */
function loopback(port: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  address.set([127, 0, 0, 1], 4);
  return address;
}

interface Reading {
  /** CLOCK_REALTIME before the first was sent, and after the last. */
  readonly before: number;
  readonly sent: number;
  readonly messages: readonly { readonly text: string; readonly at: number | null }[];
}

/** Readings of two datagrams and of one by turns, as many as are `enough`. */
function received(tellsArrivals: boolean, enough: (readings: Reading[]) => boolean): Reading[] {
  const from = socket(AF_INET, SOCK_DGRAM, 0);
  const to = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  try {
    const port = freePort(to);
    if (tellsArrivals) setSocketOption(to, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    const slots = new ReceiveSlots(2, 64);
    const readings: Reading[] = [];
    const until = performance.now() + 10_000;
    do {
      // A later reading finds the slots as the earlier one left them.
      const texts = readings.length % 2 === 0 ? ["one", "more"] : ["last"];
      const before = clockMs(CLOCK_REALTIME);
      for (const text of texts) sendTo(from, new TextEncoder().encode(text), loopback(port));
      const sent = clockMs(CLOCK_REALTIME);
      assertEquals(new PollSet([to]).wait(10_000), 1);
      const count = slots.receive(to) ?? 0;
      const messages = Array.from({ length: count }, (_, i) => ({
        text: new TextDecoder().decode(slots.bytes.slice(64 * i, 64 * i + slots.lengthOf(i))),
        at: slots.arrivalOf(i),
      }));
      readings.push({ before, sent, messages });
    } while (!enough(readings) && performance.now() < until);
    return readings;
  } finally {
    close(from);
    close(to);
  }
}

function freePort(fd: number): number {
  for (let port = 40_000; port < 41_000; port++) {
    try {
      bind(fd, loopback(port));
      return port;
    } catch {
      // Taken; the next one.
    }
  }
  throw new Error("no port is free");
}

Deno.test("many datagrams in one call, each with the time at which it came", () => {
  // The kernel begins to note arrivals a moment after it is first asked to; before, it tells the time of the reading.
  const isTimely = ({ before, sent, messages }: Reading) =>
    messages.every(({ at }, i) =>
      at !== null && at >= (messages[i - 1]?.at ?? before) && at <= sent
    );
  const wanted = ["one,more", "last"];
  const found = (readings: Reading[]) =>
    wanted.every((texts) =>
      readings.some((reading) =>
        `${reading.messages.map(({ text }) => text)}` === texts && isTimely(reading)
      )
    );
  const readings = received(true, found);
  assert(found(readings), JSON.stringify(readings.slice(0, 10)));
});

Deno.test("a socket that was not asked for times tells none", () => {
  for (const { messages } of received(false, ({ length }) => length === 2)) {
    assertEquals(messages.map(({ at }) => at), messages.map(() => null));
  }
});
