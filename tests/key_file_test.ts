import { newestKeyId, nextKeyId, withKeyAdded, withKeyFirst, withoutKey } from "../lib/key_file.ts";
import { parseKeyFile } from "../lib/wire/keys.ts";
import { assertEquals, assertStringIncludes } from "./assert.ts";

const base64 = (byte: number) => new Uint8Array(32).fill(byte).toBase64();
const key = (id: number) => ({ id, bytes: new Uint8Array(32).fill(id) });
const ids = (text: string) => parseKeyFile(text).keys.map(({ id }) => id);

const text = `# of the cluster "edge"\nseed ${base64(9)}\n\nkey 1 ${
  base64(1)
} # since May\n# the end\n`;

Deno.test("a key is added as the last, used as the first, and dropped; the rest stays as it was", () => {
  const added = withKeyAdded(text, key(2));
  assertEquals(ids(added), [1, 2]);
  const used = withKeyFirst(added, 2);
  assertEquals(ids(used), [2, 1]);
  const dropped = withoutKey(used, 1);
  assertEquals(ids(dropped), [2]);
  for (const each of [added, used, dropped]) {
    assertEquals(parseKeyFile(each).seed, parseKeyFile(text).seed);
    assertStringIncludes(each, '# of the cluster "edge"\n');
    assertStringIncludes(each, "\n# the end\n");
  }
  assertStringIncludes(used, "# since May");
});

Deno.test("what is done already is done once", () => {
  const added = withKeyAdded(text, key(2));
  assertEquals(withKeyFirst(withKeyFirst(added, 2), 2), withKeyFirst(added, 2));
  assertEquals(withoutKey(text, 7), text);
});

Deno.test("a bare secret becomes what it stands for, so that its key can go and its seed stay", () => {
  const bare = `${base64(5)}\n`;
  const before = parseKeyFile(bare);
  const after = withoutKey(withKeyFirst(withKeyAdded(bare, key(1)), 1), 0);
  assertEquals(ids(after), [1]);
  assertEquals(parseKeyFile(after).seed, before.seed);
  assertEquals(parseKeyFile(withKeyAdded(bare, key(1))).keys[0], before.keys[0]);
});

Deno.test("ids go round", () => {
  assertEquals(nextKeyId([1]), 2);
  assertEquals(nextKeyId([255]), 0);
  assertEquals(nextKeyId([254, 255, 0]), 1);
  assertEquals(nextKeyId([3, 1]), 4, "the order in the file does not matter");
  assertEquals(nextKeyId(Array.from({ length: 256 }, (_, id) => id)), null);
  assertEquals(newestKeyId([255, 0]), 0);
  assertEquals(newestKeyId([2, 1]), 2);
});
