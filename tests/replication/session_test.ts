import { assertEquals } from "../assert.ts";
import { encodeMessage, messageType, u32, u64 } from "../../lib/replication/messages.ts";
import { SessionWire } from "./session_wire.ts";

Deno.test("what came is acknowledged, unknown types too", () => {
  const wire = new SessionWire();
  wire.say(encodeMessage(0x3f, new Uint8Array(5)));
  assertEquals(wire.heard.at(-1), encodeMessage(messageType.ack, u64(1), u32(0)));
  const count = wire.heard.length;
  wire.say(encodeMessage(0x7f));
  wire.say(encodeMessage(messageType.ping));
  assertEquals(wire.heard.length, count, "link messages are not acknowledged");
  assertEquals(wire.ended, null);
});

Deno.test("a message that is longer than its frame ends the stream", () => {
  for (const plaintext of [[0, 9, 7], [255, 255, 2, 1], [0], [0, 0]]) {
    const wire = new SessionWire();
    wire.say(new Uint8Array(plaintext));
    assertEquals(wire.ended, "refused: message length", `${plaintext}`);
  }
});

Deno.test("an acknowledgement of what was never sent ends the stream", () => {
  const wire = new SessionWire();
  wire.say(encodeMessage(messageType.ack, u64(1), u32(0)));
  assertEquals(wire.ended, "refused: acknowledgement");
});

Deno.test("bodies that are too short are counted and change nothing", () => {
  const wire = new SessionWire();
  for (const type of [1, 2, 3, 4, 5, 6, 8]) wire.say(encodeMessage(type, new Uint8Array(7)));
  assertEquals(wire.replica!.malformed, 7);
  assertEquals(wire.replica!.position, 7);
  assertEquals([wire.table.entries.size, wire.released, wire.ended], [0, 0, null]);
});

Deno.test("no plaintext of any shape gets past the decoder", () => {
  let state = 12345;
  const random = () => (state = Math.imul(state, 1103515245) + 12345 >>> 0) >>> 16;
  const wire = new SessionWire();
  for (let round = 0; round < 3000; round++) {
    const body = Uint8Array.from({ length: random() % 130 }, () => random());
    wire.say(encodeMessage(random() % 12, body));
  }
  assertEquals(wire.replica!.position, 3000);
  assertEquals(wire.ended, null);
});
