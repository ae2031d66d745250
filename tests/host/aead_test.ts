import { assert, assertEquals } from "../assert.ts";
import { AesGcm } from "../../ffi/libcrypto.ts";
import { openAead } from "../../lib/host/aead.ts";
import { type Aead, gcmTagBytes, runtimeAead } from "../../lib/wire/aead.ts";

const bytes = (hex: string) => Uint8Array.fromHex(hex.replaceAll(" ", ""));

/** Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B. */
const known = {
  key: bytes("feffe9928665731c6d6a8f9467308308 feffe9928665731c6d6a8f9467308308"),
  nonce: bytes("cafebabefacedbaddecaf888"),
  bound: bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
  message: bytes(
    "d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b39",
  ),
  sealed: bytes(
    "522dc1f099567d07f47f37a32a84427d 643a8cdcbfe5c0c97598a2bd2555d1aa" +
      "8cb08e48590dbb3da7b08b1056828838 c5f61e6393ba7a0abcc9f662" +
      "76fc6ece0f4e1768cddf8853bb2d551b",
  ),
};

function sealedBy(aead: Aead, { key, nonce, bound, message } = known): Uint8Array<ArrayBuffer> {
  const sealed = new Uint8Array(message.length + gcmTagBytes);
  aead.seal(key, nonce, bound, message, sealed);
  return sealed;
}

const machines = AesGcm.open();
assert(machines !== null, "this machine has libcrypto");

for (const [name, aead] of [["the runtime's", runtimeAead], ["libcrypto's", machines]] as const) {
  Deno.test(`${name} AES-256-GCM seals and opens the published example`, () => {
    assertEquals(sealedBy(aead), known.sealed);
    const { key, nonce, bound, sealed, message } = known;
    assertEquals(aead.open(key, nonce, bound, sealed), message);
  });

  Deno.test(`${name} AES-256-GCM opens nothing that was changed, and goes on afterwards`, () => {
    const { key, nonce, bound, sealed, message } = known;
    const other = (array: Uint8Array<ArrayBuffer>, at: number) => array.with(at, array[at] ^ 1);
    for (let at = 0; at < sealed.length; at++) {
      assertEquals(aead.open(key, nonce, bound, other(sealed, at)), null, `byte ${at}`);
    }
    assertEquals(aead.open(other(key, 31), nonce, bound, sealed), null);
    assertEquals(aead.open(key, other(nonce, 0), bound, sealed), null);
    assertEquals(aead.open(key, nonce, other(bound, 19), sealed), null);
    assertEquals(aead.open(key, nonce, bound, sealed.slice(0, gcmTagBytes)), null);
    assertEquals(aead.open(key, nonce, bound, sealed), message);
  });
}

Deno.test("each opens what the other seals, of any length", () => {
  for (let length = 0; length < 200; length += 7) {
    const message = crypto.getRandomValues(new Uint8Array(length));
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    const one = { ...known, message, nonce };
    assertEquals(sealedBy(machines, one), sealedBy(runtimeAead, one), `${length} bytes`);
    const opened = machines.open(known.key, nonce, known.bound, sealedBy(runtimeAead, one));
    assertEquals(opened, message);
  }
});

Deno.test("a library that does not do what it says is left alone", () => {
  assert(openAead() instanceof AesGcm, "the control");
  const opensAll: Aead = { ...runtimeAead, open: (_key, _nonce, _bound, sealed) => sealed };
  const throws: Aead = {
    ...runtimeAead,
    seal: () => {
      throw new Error("no such cipher");
    },
  };
  for (const bad of [opensAll, throws, null]) assertEquals(openAead(() => bad), runtimeAead);
});
