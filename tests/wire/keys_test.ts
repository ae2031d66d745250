import { createHmac } from "node:crypto";
import { assertEquals, assertNotEquals, assertThrows } from "../assert.ts";
import {
  bucketSeed,
  derive,
  groupMac,
  KeyFileError,
  parseKeyFile,
  shareGroup,
} from "../../lib/wire/keys.ts";

const base64 = (byte: number, length = 32) =>
  btoa(String.fromCharCode(...new Uint8Array(length).fill(byte)));

Deno.test("a key file with a seed and keys", () => {
  const ring = parseKeyFile(
    `# made by hand\nseed ${base64(1)}\n\nkey 7 ${base64(2)}\nkey 8 ${base64(3)}\n`,
  );
  assertEquals(ring.seed, new Uint8Array(32).fill(1));
  assertEquals(ring.keys.map(({ id }) => id), [7, 8]);
});

Deno.test("one bare secret stands for both, and they differ", () => {
  const ring = parseKeyFile(base64(1));
  assertEquals(ring.keys.length, 1);
  assertNotEquals([...ring.seed], [...ring.keys[0].bytes]);
});

Deno.test("faults of a key file name the line and never its content", () => {
  const secret = base64(5, 31);
  const cases: [string, string][] = [
    ["", "no seed"],
    [`seed ${base64(1)}`, "no key"],
    [`seed ${base64(1)}\nkey 0 ${secret}`, "line 2: 31 bytes"],
    [`seed ${base64(1)}\nkey 300 ${base64(2)}`, "line 2: key id 300"],
    [`seed ${base64(1)}\nseed ${base64(1)}`, "line 2: a second seed"],
    [`seed ${base64(1)}\nkey 1 ${base64(2)}\nkey 1 ${base64(3)}`, "line 3: key id 1 twice"],
    [`seed ${base64(1)}\nkey 1 §§§`, "line 2: not base64"],
    [`sead ${base64(1)}`, "line 1: neither"],
  ];
  for (const [text, problem] of cases) {
    const error = assertThrows(() => parseKeyFile(text), KeyFileError, problem);
    assertEquals(error.message.includes(secret), false);
  }
});

Deno.test("derive is HKDF-SHA-256: extract and expand as RFC 5869 writes them", () => {
  const hmac = (key: Uint8Array, ...parts: (Uint8Array | string)[]) =>
    parts.reduce((mac, part) => mac.update(part), createHmac("sha256", key)).digest();
  const secret = new Uint8Array(22).fill(0x0b), salt = new Uint8Array([0, 1, 2]);
  const pseudorandomKey = hmac(salt, secret);
  const info = "avail 1 some purpose";
  const first = hmac(pseudorandomKey, info, new Uint8Array([1]));
  const second = hmac(pseudorandomKey, first, info, new Uint8Array([2]));
  assertEquals(
    [...derive(secret, "some purpose", salt, 42)],
    [...first, ...second].slice(0, 42),
  );
});

Deno.test("what is derived depends on the seed alone, not on the keys", () => {
  const one = parseKeyFile(`seed ${base64(1)}\nkey 0 ${base64(2)}`);
  const rotated = parseKeyFile(`seed ${base64(1)}\nkey 1 ${base64(9)}`);
  const other = parseKeyFile(`seed ${base64(3)}\nkey 0 ${base64(2)}`);
  assertEquals(bucketSeed(one), bucketSeed(rotated));
  assertNotEquals(bucketSeed(one), bucketSeed(other));
  assertEquals(shareGroup(one, "192.0.2.1"), shareGroup(rotated, "192.0.2.1"));
  assertNotEquals(shareGroup(one, "192.0.2.1"), shareGroup(one, "192.0.2.2"));
});

Deno.test("the group MAC of RFC 1112", () => {
  assertEquals([...groupMac("239.129.2.3")], [1, 0, 0x5e, 1, 2, 3]);
});
