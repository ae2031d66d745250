import { assert, assertEquals, assertNotEquals } from "../assert.ts";
import { fromHex } from "../../lib/wire/cursor.ts";
import { DatagramSeal } from "../../lib/wire/seal.ts";
import { Nonces, tokenOf, Tokens } from "../../lib/wire/tokens.ts";
import { incarnation } from "./examples.ts";

const key = (byte: number) => new Uint8Array(32).fill(byte);
const start = fromHex(incarnation(2));

function sealedWith(nonce: Uint8Array<ArrayBuffer>): Uint8Array {
  const ring = { seed: key(9), keys: [{ id: 1, bytes: key(1) }] };
  return new DatagramSeal(ring, "edge", start).seal(new Uint8Array(5), nonce);
}

Deno.test("nonces count, and carry the token of their number", () => {
  const nonces = new Nonces(key(1), start), tokens = new Tokens(key(1), start);
  for (let number = 0; number < 200; number++) {
    assertEquals(tokenOf(sealedWith(nonces.next())), { token: tokens.at(number), number });
  }
});

Deno.test("under another key the numbers go on, so that no nonce repeats", () => {
  const nonces = new Nonces(key(1), start);
  nonces.next();
  nonces.useKey(key(2));
  const found = tokenOf(sealedWith(nonces.next()));
  assertEquals(found, { token: new Tokens(key(2), start).at(1), number: 1 });
});

Deno.test("a token depends on key, start and number", () => {
  const token = new Tokens(key(1), start).at(5);
  assertNotEquals(new Tokens(key(2), start).at(5), token);
  assertNotEquals(new Tokens(key(1), fromHex(incarnation(3))).at(5), token);
  assertNotEquals(new Tokens(key(1), start).at(6), token);
  assertEquals(new Tokens(key(1), start).at(5), token);
});

Deno.test("tokens far apart and asked in any order are the same", () => {
  const tokens = new Tokens(key(1), start);
  const numbers = [0, 64, 2 ** 40, 1, 100_000, 63, 2 ** 40 + 1, 0];
  for (const number of numbers) {
    assertEquals(tokens.at(number), new Tokens(key(1), start).at(number), `${number}`);
    assert(tokens.at(number) < 2 ** 31);
  }
});

Deno.test("a number that nobody reaches is none", () => {
  assertEquals(tokenOf(sealedWith(new Uint8Array(12).fill(255))), null);
});
