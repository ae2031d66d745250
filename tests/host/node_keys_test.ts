/** The keys of one node and their file, with the other nodes in memory. */
import type { KeysRequest, KeysStatus } from "../../lib/control_keys.ts";
import { AvailError } from "../../lib/errors.ts";
import { replaceKeyFile } from "../../lib/host/key_file.ts";
import { NodeKeys } from "../../lib/host/node_keys.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { type KeyRing, parseKeyFile } from "../../lib/wire/keys.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

const secret = (byte: number) => new Uint8Array(32).fill(byte).toBase64();
const fileText = `seed ${secret(9)}\nkey 1 ${secret(1)}\n`;

interface Fixture {
  readonly directory: string;
  readonly path: string;
  readonly applied: KeyRing[];
  readonly said: string[];
  heard: Record<string, number>;
  other: NodeKeys | null;
  readonly keys: NodeKeys;
  do(
    request: Omit<Extract<KeysRequest, { do: "show" | "reload" | "add" }>, "command">,
  ): Promise<KeysStatus>;
  doWith(what: "use" | "drop", id: number): Promise<KeysStatus>;
}

async function withKeys(body: (fixture: Fixture) => Promise<void>, name = "fw1"): Promise<void> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/cluster.key`;
  await Deno.writeTextFile(path, fileText, { mode: 0o600 });
  const applied: KeyRing[] = [], said: string[] = [];
  const fixture: Fixture = {
    directory,
    path,
    applied,
    said,
    heard: {},
    other: null,
    keys: new NodeKeys(name, path, parseKeyFile(fileText), {
      apply: (ring) => Promise.resolve(void applied.push(ring)),
      heardKeyIds: () => Promise.resolve(fixture.heard),
      ask: async (_, request) => {
        said.push(JSON.stringify(request));
        const answer = await fixture.other!.answer(request);
        said.push(JSON.stringify(answer));
        return answer;
      },
      log: (message, fields) => said.push(`${message} ${JSON.stringify(fields)}`),
    }),
    async do(request) {
      const answer = await fixture.keys.answer({ command: "keys", ...request });
      said.push(JSON.stringify(answer));
      return answer as KeysStatus;
    },
    async doWith(what, id) {
      return await fixture.keys.answer({ command: "keys", do: what, id }) as KeysStatus;
    },
  };
  try {
    await body(fixture);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const peer = (name: string, incarnation: string) => ({
  name,
  incarnation,
  addresses: [],
  holds: BucketSet.empty(),
});
const idsIn = async (path: string) =>
  parseKeyFile(await Deno.readTextFile(path)).keys.map(({ id }) => id);

Deno.test("add, use and drop: file and use agree, mode 0600, the seed stays", async () => {
  await withKeys(async (keys) => {
    assertEquals((await keys.do({ do: "add" })).added, 2);
    assertEquals([await idsIn(keys.path), keys.applied.at(-1)!.keys.map(({ id }) => id)], [
      [1, 2],
      [1, 2],
    ]);
    assertEquals((await keys.doWith("use", 2)).sends, 2);
    assertEquals(await idsIn(keys.path), [2, 1]);
    assertEquals((await keys.doWith("drop", 1)).keys.map(({ id }) => id), [2]);
    assertEquals(await idsIn(keys.path), [2]);
    assertEquals(keys.applied.at(-1)!.seed, new Uint8Array(32).fill(9));
    const { mode } = await Deno.stat(keys.path);
    assertEquals((mode ?? 0) & 0o777, 0o600);
    assertEquals([...Deno.readDirSync(keys.directory)].length, 1, "nothing is left beside it");
  });
});

Deno.test("what is done is done: each but add can be repeated", async () => {
  await withKeys(async (keys) => {
    await keys.do({ do: "add" });
    for (let i = 0; i < 2; i++) await keys.doWith("use", 2);
    for (let i = 0; i < 2; i++) await keys.doWith("drop", 1);
    assertEquals(await idsIn(keys.path), [2]);
  });
});

Deno.test("drop is refused while this node or a live peer sends with it", async () => {
  await withKeys(async (keys) => {
    await keys.do({ do: "add" });
    await assertRejects(() => keys.doWith("drop", 1), AvailError, "key 1 is in use at fw1");
    await keys.doWith("use", 2);
    keys.keys.noteOrders({ peers: [peer("fw2", "aa"), peer("fw3", "bb")] });
    keys.heard = { aa: 2, bb: 1 };
    await assertRejects(() => keys.doWith("drop", 1), AvailError, "fw3 still sends with key 1");
    // Neither the dead nor a former start of it keeps a key.
    keys.keys.noteOrders({ peers: [peer("fw2", "aa")] });
    const { away, peers } = await keys.doWith("drop", 1);
    assertEquals([away, peers], [["fw3"], [{ name: "fw2", keyId: 2 }]]);
  });
});

Deno.test("a file that was changed by hand is read again; another seed is refused", async () => {
  await withKeys(async (keys) => {
    await Deno.writeTextFile(keys.path, `${fileText}key 5 ${secret(5)}\n`);
    assertEquals((await keys.do({ do: "reload" })).keys.map(({ id }) => id), [1, 5]);
    await Deno.writeTextFile(keys.path, fileText.replace(secret(9), secret(8)));
    const before = keys.applied.length;
    for (const what of ["reload", "add"] as const) {
      await assertRejects(() => keys.do({ do: what }), AvailError, "the seed is not the one");
    }
    await Deno.chmod(keys.path, 0o644);
    await assertRejects(() => keys.do({ do: "reload" }), AvailError, "chmod 0600");
    assertEquals(keys.applied.length, before, "what is in use stays in use");
  });
});

Deno.test("a key is given to another node, and is in nothing that is said", async () => {
  await withKeys(async (from) => {
    await withKeys(async (to) => {
      from.other = to.keys;
      await from.do({ do: "add" });
      const give = { command: "keys", do: "give", id: 2, node: "fw2" } as const;
      for (let i = 0; i < 2; i++) await from.keys.answer(give);
      assertEquals(await idsIn(to.path), [1, 2]);
      const [mine, others] = [from.path, to.path].map((path) => Deno.readTextFileSync(path));
      assertEquals(others, mine);
      const text = [...from.said, ...to.said].join("\n");
      assert(text.includes("sealed"), "it did travel");
      for (const { bytes } of parseKeyFile(mine).keys) {
        assertEquals([bytes.toBase64(), bytes.toHex()].some((word) => text.includes(word)), false);
      }
      // Another key of that id is not overwritten.
      await to.doWith("drop", 2);
      await to.do({ do: "add" });
      await assertRejects(() => from.keys.answer(give), AvailError, "fw2 has another key 2");
      // Nobody takes a key twice, nor one for an offer that was not made.
      const take = from.said.concat(to.said).find((word) => word.includes('"take"'))!;
      await assertRejects(() => to.keys.answer(JSON.parse(take)), AvailError, "not sealed for fw2");
    }, "fw2");
  });
});

Deno.test("a link to the file stays one, and a file that cannot be written changes nothing", async () => {
  await withKeys(async (keys) => {
    const link = `${keys.directory}/link`;
    await Deno.symlink(keys.path, link);
    await replaceKeyFile(link, fileText + "# new\n");
    assertEquals((await Deno.lstat(link)).isSymlink, true);
    assertEquals(await Deno.readTextFile(keys.path), fileText + "# new\n");
    await assertRejects(
      () => replaceKeyFile(`${keys.directory}/none/key`, fileText),
      AvailError,
      "the keys are as they were",
    );
  });
});

Deno.test("changes at the same time come one after the other", async () => {
  await withKeys(async (keys) => {
    const all = await Promise.all([1, 2, 3].map(() => keys.do({ do: "add" })));
    assertEquals(all.map(({ added }) => added), [2, 3, 4]);
    assertEquals(await idsIn(keys.path), [1, 2, 3, 4]);
  });
});

Deno.test("the keys may be in another file from now on", () =>
  withKeys(async ({ keys, path, directory, applied, ...fixture }) => {
    const other = `${directory}/other.key`;
    await Deno.writeTextFile(other, `${fileText}key 2 ${secret(2)}\n`, { mode: 0o600 });
    keys.useFile(other);
    assertEquals([keys.ring.keys.length, applied.length], [1, 0], "it has yet to be read");
    const status = await keys.answer({ command: "keys", do: "reload" });
    assertEquals(status, { ...await fixture.do({ do: "show" }), file: other });
    assertEquals(keys.ring.keys.map(({ id }) => id), [1, 2]);
    await keys.answer({ command: "keys", do: "use", id: 2 });
    assertEquals(await Deno.readTextFile(path), fileText, "the one before is left alone");
    assertEquals(keys.away, []);
  }));
