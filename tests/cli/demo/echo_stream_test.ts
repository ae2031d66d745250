import { echoMessage, EchoReader } from "../../../cli/demo/echo_stream.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

function joined(...messages: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(messages.flatMap((message) => [...message]));
}

Deno.test("echo: messages come back in any pieces", () => {
  const stream = joined(echoMessage(0, 8), echoMessage(1, 64), echoMessage(2, 1400));
  for (const piece of [1, 3, 7, 8, 9, 100, stream.length]) {
    const reader = new EchoReader();
    let completed = 0;
    for (let at = 0; at < stream.length; at += piece) {
      completed += reader.push(stream.subarray(at, at + piece));
    }
    assertEquals([piece, completed, reader.sequence], [piece, 3, 3]);
  }
});

Deno.test("echo: a message too few, too many or changed is damage", () => {
  const read = (stream: Uint8Array) => () => new EchoReader().push(stream);
  assertThrows(read(echoMessage(1, 64)), Error, "message 0 is damaged: sequence 1");
  assertThrows(read(joined(echoMessage(0, 9), echoMessage(0, 9))), Error, "sequence 0");
  const short = echoMessage(0, 16);
  new DataView(short.buffer).setUint32(4, 7);
  assertThrows(read(short), Error, "length 7");
  const changed = echoMessage(0, 16);
  changed[8] ^= 1;
  assertThrows(read(changed), Error, "filling 1");
});
