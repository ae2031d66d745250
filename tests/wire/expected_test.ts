import { assert, assertEquals } from "../assert.ts";
import { fromHex } from "../../lib/wire/cursor.ts";
import { Expected } from "../../lib/wire/expected.ts";
import type { KeyRing } from "../../lib/wire/keys.ts";
import { DatagramSeal } from "../../lib/wire/seal.ts";
import { Nonces } from "../../lib/wire/tokens.ts";
import { incarnation } from "./examples.ts";

const ring = (...bytes: number[]): KeyRing => ({
  seed: new Uint8Array(32),
  keys: bytes.map((byte) => ({ id: byte, bytes: new Uint8Array(32).fill(byte) })),
});

/** A start of a node that speaks. */
function speaker(n: number, keys = ring(1)) {
  const start = fromHex(incarnation(n));
  const seal = new DatagramSeal(keys, "edge", start);
  const nonces = new Nonces(keys.keys[0].bytes, start);
  return {
    say: () => seal.seal(new Uint8Array(3), nonces.next()),
    /** As a version before tokens does. */
    sayOld: () => seal.seal(new Uint8Array(3), crypto.getRandomValues(new Uint8Array(12))),
    rotate(next: KeyRing) {
      seal.useRing(next);
      nonces.useKey(next.keys[0].bytes);
    },
  };
}

const tokenAt = (datagram: Uint8Array) => new DataView(datagram.buffer).getUint32(32);

Deno.test("what a known start says next is due, once by each interface", () => {
  const expected = new Expected(ring(1));
  const peer = speaker(2);
  const first = peer.say();
  assertEquals(expected.standing(first, 0), "unknown");
  assert(expected.take(first, 0), "a new start: the filter has to know");
  assertEquals(expected.standing(first, 0), "repeated");
  assertEquals(expected.standing(first, 1), "due", "it has not come by this one");
  const second = peer.say(), third = peer.say();
  expected.take(third, 0);
  assertEquals(expected.standing(second, 0), "due", "late, and not yet seen");
  expected.take(second, 0);
  assertEquals(expected.standing(second, 0), "repeated");
});

Deno.test("nobody else is due: another start, another key, a changed token, an older version", () => {
  const expected = new Expected(ring(1));
  const peer = speaker(2);
  expected.take(peer.say(), 0);
  const next = peer.say();
  assertEquals(expected.standing(next, 0), "due", "the control");
  assertEquals(expected.standing(next.with(35, next[35] ^ 1), 0), "unknown");
  assertEquals(expected.standing(next.with(16, next[16] ^ 1), 0), "unknown");
  assertEquals(expected.standing(next.with(3, 9), 0), "unknown");
  assertEquals(expected.standing(speaker(3).say(), 0), "unknown");
  assertEquals(expected.standing(speaker(2, ring(2)).say(), 0), "unknown");
  assertEquals(expected.standing(peer.sayOld(), 0), "unknown");
  assertEquals(expected.standing(next.subarray(0, 43), 0), "unknown");
  assertEquals(expected.take(peer.sayOld(), 0), false);
});

Deno.test("the list for the filter holds what comes next, and is asked for in time", () => {
  const expected = new Expected(ring(1));
  const peer = speaker(2);
  expected.take(peer.say(), 0);
  let tokens = new Set(expected.next(0)[0].tokens);
  let asked = 0;
  for (let i = 0; i < 500; i++) {
    const datagram = peer.say();
    assert(tokens.has(tokenAt(datagram)), `number ${i + 1} is let in`);
    if (expected.take(datagram, 0)) {
      asked++;
      tokens = new Set(expected.next(0)[0].tokens);
      assert(!tokens.has(tokenAt(datagram)), "what has come is let in no more");
    }
  }
  assert(asked >= 500 / 32 && asked <= 500 / 8, `${asked} times`);
});

Deno.test("so many losses in a row are no matter; after more, a node has to be found again", () => {
  const expected = new Expected(ring(1));
  const peer = speaker(2);
  expected.take(peer.say(), 0);
  const tokens = new Set(expected.next(0)[0].tokens);
  for (let i = 0; i < 31; i++) peer.say();
  assert(tokens.has(tokenAt(peer.say())));
  const late = peer.say();
  assert(!tokens.has(tokenAt(late)));
  assertEquals(expected.standing(late, 0), "due");
  assert(expected.take(late, 0), "found: the filter has to know");
});

Deno.test("in a rotation what comes under either key is due", () => {
  const both = ring(1, 2);
  const expected = new Expected(both);
  const peer = speaker(2, both);
  expected.take(peer.say(), 0);
  const tokens = new Set(expected.next(0)[0].tokens);
  peer.rotate(ring(2, 1));
  const next = peer.say();
  assert(tokens.has(tokenAt(next)));
  assertEquals(expected.standing(next, 0), "due");
  // The control: who has the old key only does not know it.
  const old = new Expected(ring(1));
  old.take(speaker(2).say(), 0);
  assertEquals(old.standing(next, 0), "unknown");
});

Deno.test("starts that are invented fill no memory, and the filter stays small", () => {
  const expected = new Expected(ring(1, 2));
  for (let n = 2; n < 200; n++) expected.take(speaker(n, ring(1, 2)).say(), 0);
  const nodes = expected.next(0);
  assertEquals(nodes.length, 32);
  const tokens = nodes.reduce((sum, node) => sum + node.tokens.length, 0);
  assert(tokens < 700, `${tokens}`);
});
