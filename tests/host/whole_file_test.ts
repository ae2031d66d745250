/** Files that come into being whole, and what is never overwritten. */
import { AvailError } from "../../lib/errors.ts";
import { freshKeys, writeNodeFiles } from "../../lib/host/set_up.ts";
import { changeTokens, readTokens, tokenFileOf } from "../../lib/host/token_file.ts";
import { writeWholeFile } from "../../lib/host/whole_file.ts";
import { makeToken } from "../../lib/joining/make_token.ts";
import { parseKeyFile } from "../../lib/wire/keys.ts";
import { assert, assertEquals, assertNotEquals, assertRejects } from "../assert.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const modeOf = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;

Deno.test("what is there stays, unless it is to be replaced; then it is kept", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/x`;
    const umask = Deno.umask(0o077);
    try {
      await writeWholeFile(path, "one", { mode: 0o644, present: "refuse" });
    } finally {
      Deno.umask(umask);
    }
    assertEquals([Deno.readTextFileSync(path), modeOf(path)], ["one", 0o644]);
    await assertRejects(
      () => writeWholeFile(path, "two", { mode: 0o644, present: "refuse" }),
      AvailError,
      `write ${path}: it is there already; replace it with --force`,
    );
    assertEquals(Deno.readTextFileSync(path), "one");
    await writeWholeFile(path, "two", { mode: 0o600, present: "keep" });
    await writeWholeFile(path, "three", { mode: 0o600, present: "keep" });
    assertEquals([Deno.readTextFileSync(path), Deno.readTextFileSync(`${path}.old`)], [
      ...["three", "two"],
    ]);
    await writeWholeFile(path, "four", { mode: 0o600, present: "replace" });
    assertEquals(namesIn(folder), ["x", "x.old"], "no half-written file is left");
  });
});

Deno.test("two writers at once: one is refused, and the file is one of the two", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/x`;
    const write = (text: string) => writeWholeFile(path, text, { mode: 0o600, present: "refuse" });
    const outcomes = await Promise.allSettled(["one", "two", "three"].map(write));
    const won = outcomes.findIndex(({ status }) => status === "fulfilled");
    assertEquals(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    assertEquals(Deno.readTextFileSync(path), ["one", "two", "three"][won]);
    assertEquals(namesIn(folder), ["x"]);
  });
});

Deno.test("a folder that is not there, or not writable, is named", async () => {
  await assertRejects(
    () => writeWholeFile("/nowhere/x", "", { mode: 0o600, present: "refuse" }),
    AvailError,
    "write /nowhere/x: there is no such file; make the folder: mkdir -p /nowhere",
  );
});

Deno.test("a configuration that cannot be written leaves no new key behind", async () => {
  await inFolder(async (folder) => {
    const [file, keyFile] = [`${folder}/avail.toml`, `${folder}/cluster.key`];
    const write = (force: boolean, keys: string | null) =>
      writeNodeFiles({ file, text: "text", keyFile, keys, force });
    await Deno.mkdir(file); // nothing can take a folder's place
    await assertRejects(() => write(false, "new"), AvailError);
    assertEquals(namesIn(folder), ["avail.toml"]);
    await Deno.writeTextFile(keyFile, "old");
    await assertRejects(() => write(true, "new"), AvailError);
    assertEquals(Deno.readTextFileSync(keyFile), "old", "the old one is back");
    await Deno.remove(file);
    assertEquals(await write(true, "new"), [keyFile, file]);
    assertEquals(Deno.readTextFileSync(`${keyFile}.old`), "old");
    assertEquals([modeOf(keyFile), modeOf(file)], [0o600, 0o644]);
  });
});

Deno.test("tokens of the former keys do not outlive them; those of keys that stay do", async () => {
  await inFolder(async (folder) => {
    const tokens = `${folder}/join-tokens.json`;
    const write = (keys: string | null) => {
      const paths = { file: `${folder}/avail.toml`, keyFile: `${folder}/cluster.key` };
      return writeNodeFiles({ ...paths, text: "text", keys, force: true });
    };
    await Deno.writeTextFile(tokens, "tokens");
    await write(null);
    assert(namesIn(folder).includes("join-tokens.json"));
    await write("new");
    assert(!namesIn(folder).includes("join-tokens.json"));
  });
});

Deno.test("fresh keys are a key file, and never the same", () => {
  const [one, two] = [freshKeys(), freshKeys()];
  assertNotEquals(one, two);
  const { seed, keys } = parseKeyFile(one);
  assertEquals([seed.length, keys.length, keys[0].bytes.length], [32, 1, 32]);
  assertNotEquals(seed, keys[0].bytes);
});

Deno.test("tokens: many writers in turns lose nothing; a file that others can read is not trusted", async () => {
  await inFolder(async (folder) => {
    const path = tokenFileOf(`${folder}/cluster.key`);
    assertEquals(path, `${folder}/join-tokens.json`);
    assertEquals(await readTokens(path), []);
    const records = Array.from({ length: 10 }, (_, i) =>
      makeToken({
        secret: new Uint8Array(16).fill(i),
        ...{ issuer: "fw1", cluster: "edge", addresses: ["10.0.0.1"], port: 9479, uses: 1 },
        ...{ lifetimeMs: 3_600_000, now: Date.now() },
      }).record);
    await Promise.all(records.map((record) => changeTokens(path, (book) => [...book, record])));
    const ids = (await readTokens(path)).map(({ id }) => id);
    assertEquals(ids.toSorted(), records.map(({ id }) => id).toSorted());
    assertEquals(modeOf(path), 0o600);
    Deno.chmodSync(path, 0o640);
    await assertRejects(() => readTokens(path), AvailError, "others than its owner may use it");
    Deno.chmodSync(path, 0o600);
    Deno.writeTextFileSync(path, "{}");
    await assertRejects(() => readTokens(path), AvailError, "it is no file of join tokens");
    assert(namesIn(folder).length === 1);
  });
});
