import { assert, assertEquals, assertNotEquals, assertThrows } from "../assert.ts";
import { offerKey, unwrapKey, wrapKey } from "../../lib/wire/key_wrap.ts";

const key = new Uint8Array(32).map((_, i) => i);

Deno.test("a key reaches the node that made the offer, and nobody else", () => {
  const offer = offerKey();
  const wrapped = wrapKey(key, offer.offered);
  assertEquals(unwrapKey(offer, wrapped), key);
  assertEquals(unwrapKey(offerKey(), wrapped), null);
  assertEquals(JSON.stringify(wrapped).includes(key.toHex().slice(0, 16)), false);
  assertNotEquals(wrapKey(key, offer.offered), wrapped, "fresh each time");
});

Deno.test("what was changed on its way is no key", () => {
  const offer = offerKey();
  const { offered, sealed } = wrapKey(key, offer.offered);
  for (let at = 0; at < sealed.length; at += 5) {
    const digit = sealed[at] === "0" ? "1" : "0";
    assertEquals(
      unwrapKey(offer, { offered, sealed: sealed.slice(0, at) + digit + sealed.slice(at + 1) }),
      null,
    );
  }
  assertEquals(unwrapKey(offer, { offered: offerKey().offered, sealed }), null);
  assertEquals(unwrapKey(offer, { offered: "", sealed: "zz" }), null);
});

Deno.test("a point that makes every secret the same is refused", () => {
  const zero = "A".repeat(43); // RFC 7748, 6.1
  const error = assertThrows(() => wrapKey(key, zero), Error);
  assert(!error.message.includes(key.toBase64()));
});
