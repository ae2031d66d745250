import { assertEquals } from "../assert.ts";
import { Outbox } from "../../lib/replication/outbox.ts";
import { plaintextBytesMax } from "../../lib/replication/stream.ts";

function drain(outbox: Outbox): number[] {
  const lengths: number[] = [];
  while (outbox.handOver((plaintext) => lengths.push(plaintext.length)));
  return lengths;
}

Deno.test("messages share frames, none is split", () => {
  const outbox = new Outbox(10 * plaintextBytesMax);
  const body = new Uint8Array(10_000);
  for (let i = 0; i < 5; i++) outbox.put(1, body, body.length, 0);
  assertEquals(drain(outbox), [30_009, 20_006]);
  assertEquals(outbox.isEmpty, true);
});

Deno.test("the lag is that of the oldest message without acknowledgement", () => {
  const outbox = new Outbox(plaintextBytesMax);
  assertEquals(outbox.lagMs(100), 0);
  outbox.put(1, new Uint8Array(1), 1, 100);
  outbox.put(1, new Uint8Array(1), 1, 200);
  assertEquals(outbox.lagMs(250), 150);
  drain(outbox);
  assertEquals(outbox.acknowledge(1), true);
  assertEquals(outbox.lagMs(250), 50);
  assertEquals(outbox.acknowledge(2), true);
  assertEquals(outbox.lagMs(250), 0);
});

Deno.test("an acknowledgement of what was never sent, or that goes back, is wrong", () => {
  const outbox = new Outbox(plaintextBytesMax);
  outbox.put(1, new Uint8Array(1), 1, 0);
  assertEquals(outbox.acknowledge(1), false, "still waits");
  drain(outbox);
  assertEquals(outbox.acknowledge(1), true);
  assertEquals(outbox.acknowledge(2), false);
  assertEquals(outbox.acknowledge(0), false);
});

Deno.test("a full queue takes no more; dropped, it goes on where the peer is", () => {
  const outbox = new Outbox(2 * plaintextBytesMax);
  const body = new Uint8Array(30_000);
  assertEquals(outbox.put(1, body, body.length, 0), true);
  outbox.handOver(() => {});
  assertEquals(outbox.put(1, body, body.length, 5), true);
  assertEquals(outbox.put(1, body, body.length, 6), true);
  assertEquals(outbox.put(1, body, body.length, 7), false);
  assertEquals(outbox.waitingBytes, 2 * plaintextBytesMax);
  outbox.drop();
  assertEquals(outbox.waitingBytes, 0);
  assertEquals(outbox.lastPosition, 1);
  assertEquals(outbox.lagMs(10), 10, "the first message still waits for its acknowledgement");
  outbox.acknowledge(1);
  assertEquals(outbox.lagMs(10), 0);
  outbox.put(1, body, 1, 20);
  assertEquals(outbox.lastPosition, 2);
});
