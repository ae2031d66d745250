import { answerTo, resultOf } from "../../lib/forwarding/execute.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

const done = (request: unknown) => ({ did: request });

Deno.test("an answer is the reply of the node that was asked, result or error", async () => {
  const answer = await answerTo('{"command":"weight","weight":2.5}', done);
  assertEquals(resultOf("fw2", { answer }), { did: { command: "weight", weight: 2.5 } });
  const failing = await answerTo('{"command":"drain"}', () => {
    throw new Error("it is on fire");
  });
  assertThrows(() => resultOf("fw2", { answer: failing }), Error, "fw2: it is on fire");
  assertThrows(() => resultOf("fw2", { error: "fw2 is gone" }), Error, "fw2 is gone");
});

Deno.test("only commands that others may ask for are carried out", async () => {
  let executed = 0;
  const refused: string[] = [];
  for (
    const request of [
      '{"command":"who","source":"::1","destination":"::2"}',
      '{"command":"forward","node":"fw3","request":{"command":"drain"}}',
      '{"command":"reboot"}',
      '{"command":"weight","weight":0}',
      "noise",
    ]
  ) {
    const reply = JSON.parse(await answerTo(request, () => executed++, (why) => refused.push(why)));
    assertEquals(reply.ok, false, request);
  }
  assertEquals([executed, refused.length], [0, 5]);
});

Deno.test("an answer that is too long becomes an error that says so", async () => {
  const reply = JSON.parse(await answerTo('{"command":"status"}', () => "é".repeat(50_000)));
  assertEquals(reply.ok, false);
  assert(reply.error.includes("100023 bytes"), reply.error);
});
