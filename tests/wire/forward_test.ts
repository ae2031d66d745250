import fc from "fast-check";
import {
  AnswerAssembly,
  decodeForward,
  encodeForwardAnswer,
  encodeForwardRequest,
  forwardAnswerBytesMax,
  type ForwardAnswerPart,
  forwardPieceBytesMax,
} from "../../lib/wire/forward.ts";
import { envelopeOverheadBytes } from "../../lib/wire/seal.ts";
import { datagramBytesMax } from "../../lib/limits.ts";
import { assert, assertEquals } from "../assert.ts";
import { incarnation } from "./examples.ts";

const to = incarnation(7);

function parts(text: string): ForwardAnswerPart[] {
  return encodeForwardAnswer({ to, id: 3, text }).map((message) => {
    assert(message.length + envelopeOverheadBytes <= datagramBytesMax);
    const part = decodeForward(message);
    assert(!("refusal" in part) && part.kind === "answer");
    assertEquals([part.to, part.id], [to, 3]);
    return part;
  });
}

Deno.test("a request survives its bytes, and the longest fits one datagram", () => {
  for (const text of ["", '{"command":"drain"}', "x".repeat(forwardPieceBytesMax)]) {
    const request = { kind: "request" as const, to, id: 2 ** 40, echo: 12, text };
    const message = encodeForwardRequest(request);
    assert(message.length + envelopeOverheadBytes <= datagramBytesMax);
    assertEquals(decodeForward(message), request);
  }
});

Deno.test("an answer survives its parts, in any order, with repeats", () => {
  const long = "é".repeat(forwardAnswerBytesMax / 2);
  for (const text of ["", '{"ok":true}', "a".repeat(forwardPieceBytesMax + 1), long]) {
    const [first, ...rest] = parts(text);
    const assembly = new AnswerAssembly();
    const results = [...rest, ...rest, first].map((part) => assembly.add(part));
    assertEquals(results.at(-1), text);
    assert(results.slice(0, -1).every((result) => result === null));
  }
});

Deno.test("what is cut or out of its range is refused, and noise never throws", () => {
  const request = encodeForwardRequest({ to, id: 1, echo: 1, text: "" });
  for (let length = 1; length < request.length; length++) {
    assertEquals(decodeForward(request.subarray(0, length)), { refusal: "malformed request" });
  }
  const long = new Uint8Array([...request, ...new Uint8Array(forwardPieceBytesMax + 1)]);
  assertEquals(decodeForward(long), { refusal: "malformed request" });
  const [answer] = encodeForwardAnswer({ to, id: 1, text: "" });
  for (const [index, count] of [[0, 0], [1, 1], [0, 65], [255, 255]]) {
    const bad = new Uint8Array(answer);
    bad.set([index, count], answer.length - 2);
    assertEquals(decodeForward(bad), { refusal: "malformed answer" });
  }
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (noise) => {
    for (const type of [3, 4]) decodeForward(noise.with(0, type));
  }));
});
