import { Redaction } from "../../lib/report/redaction.ts";
import { assert, assertEquals, assertGreater, assertStringIncludes } from "../assert.ts";
import { leakOf, spellings } from "./spellings.ts";

/** The same bytes in each run. */
function secretOf(seed: number): Uint8Array<ArrayBuffer> {
  let state = seed;
  return Uint8Array.from({ length: 32 }, () => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return state >>> 24;
  });
}

const secrets = [secretOf(1), secretOf(2), new Uint8Array(32).fill(0x55), secretOf(4)];
const redaction = new Redaction(secrets);

function embed(before: string, spelled: Uint8Array | string, after: string): Uint8Array {
  const bytes = typeof spelled === "string" ? new TextEncoder().encode(spelled) : spelled;
  const encoder = new TextEncoder();
  return Uint8Array.of(...encoder.encode(before), ...bytes, ...encoder.encode(after));
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("no spelling of a secret gets through, wherever it stands", () => {
  for (const [name, spell] of Object.entries(spellings)) {
    for (const secret of [secrets[0], secrets[1], secrets[3]]) {
      for (const [before, after] of [["", ""], ["key = '", "'\n"], ["Füße\n", " and more\n"]]) {
        const bytes = embed(before, spell(secret), after);
        assert(leakOf(bytes, secret) !== null, `the search itself misses: ${name}`);
        const { bytes: clean, removed } = redaction.redact(bytes);
        assertEquals(leakOf(clean, secret), null, `${name}: ${textOf(clean)}`);
        assertGreater(removed, 0, name);
        assert(textOf(clean).startsWith(before), name);
        assert(textOf(clean).endsWith(after), name);
      }
    }
  }
});

Deno.test("a secret that is another one's control is left: only what is known is taken out", () => {
  const other = new Redaction([secrets[1]]);
  for (const [name, spell] of Object.entries(spellings)) {
    const bytes = embed("before ", spell(secrets[0]), " after");
    const { bytes: clean } = other.redact(bytes);
    // Standing alone, 32 bytes of base64 look like a secret, whosesoever.
    if (name !== "base64") assert(leakOf(clean, secrets[0]) !== null, name);
  }
});

Deno.test("everything else stays as it is, whatever bytes it has", () => {
  const status = Deno.readTextFileSync(new URL("../golden/status_unsafe.txt", import.meta.url));
  const bytes = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  for (const kept of [new TextEncoder().encode(status), bytes, new Uint8Array()]) {
    assertEquals(redaction.redact(kept), { bytes: Uint8Array.from(kept), removed: 0 });
  }
});

const looksSecret: readonly (readonly [text: string, clean: string])[] = [
  [
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\nrest",
    "[removed: PRIVATE KEY]\nrest",
  ],
  ["-----BEGIN EC PRIVATE KEY-----\nMIIEvQIBADANBg", "[removed: EC PRIVATE KEY]"],
  ["avail join avail1.AAECAwQFBgcICQoLDA0ODw rest", "avail join [removed: join token] rest"],
  [
    "PrivateKey = 4GgaQCy68nzNsUE5aJ9fuLzHhB65tAlwbmA72MWnOm8=\n",
    "PrivateKey = [removed: 32 bytes]\n",
  ],
  ["http://admin:hunter2@10.0.0.1/x", "http://admin:[removed: password]@10.0.0.1/x"],
  ["password=hunter2 x", "password=[removed] x"],
  ['db_password = "hunter 2"', "db_password = [removed]"],
  ['{"token":"abc","x":1}', '{"token":[removed],"x":1}'],
  ["Authorization: Bearer abc.def\n", "Authorization: [removed]\n"],
  ["api-key: 'a b'", "api-key: [removed]"],
];

/** What is no secret, though it has to do with some. */
const looksHarmless = [
  'key_file = "/etc/avail/cluster.key"',
  'key = "pair"',
  "http://10.0.0.1:8080/alive",
  "ExecStart=/usr/bin/avail run",
  "sha256:" + "ab".repeat(32),
  "the token is wrong; the password, too",
  "tokens: 3",
  "fe80::1%eth0:22 user@host",
];

Deno.test("what looks like a secret of others goes, too; the words around it stay", () => {
  for (const [text, clean] of looksSecret) {
    const redacted = redaction.redact(new TextEncoder().encode(text));
    assertEquals(textOf(redacted.bytes), clean);
    assertEquals(redacted.removed, 1, text);
    const again = redaction.redact(redacted.bytes);
    assertEquals(textOf(again.bytes), clean, "a second time changes nothing");
  }
  for (const text of looksHarmless) {
    assertEquals(textOf(redaction.redact(new TextEncoder().encode(text)).bytes), text);
  }
});

Deno.test("a megabyte of it takes no minute", () => {
  const line = `${secrets[0].toBase64()} and some words, 10.0.0.1 and more of them\n`;
  const bytes = new TextEncoder().encode(line.repeat(Math.ceil((1 << 20) / line.length)));
  const began = performance.now();
  const { bytes: clean } = redaction.redact(bytes);
  assert(performance.now() - began < 20_000);
  assertEquals(leakOf(clean.subarray(0, 100_000), secrets[0]), null);
  assertStringIncludes(textOf(clean.subarray(0, 200)), "[removed: key] and some words, 10.0.0.1");
});
