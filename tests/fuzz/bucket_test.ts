/** kmod/bucket.h against its vectors, against its twin in TypeScript, and against a fuzzer. */

import { assert, assertEquals, assertGreater, assertNotEquals } from "../assert.ts";
import { bucketOfFrame } from "../../lib/ownership/bucket_of_frame.ts";
import { frameKey, type VectorConfig } from "../vectors/bucket_vector.ts";
import { bucketVectors, fromHex, hashVectors } from "../vectors/read.ts";
import { compile, headerFolder, Questions, run, sanitizers, verdictOf } from "./bucket_native.ts";
import { BrokenFrames, Random } from "./broken_frames.ts";

const frameCount = 120_000;

Deno.test("C: published vectors of the hash, and every vector's frame", async () => {
  await withFolder(async (folder) => {
    const executable = await compile("bucket_diff.c", folder, sanitizers);
    const questions = new Questions();
    questions.config({ ...bucketVectors[0].config, seed: hashVectors.seed });
    for (const n of hashVectors.hashes.keys()) questions.hash(Uint8Array.from({ length: n }, byte));
    const hashes = await questions.ask(executable);
    assertEquals(Array.from(hashes, (hash) => hash >>> 0), [...hashVectors.hashes]);
    assertEquals(await wrongVectors(executable), []);
  });
});

Deno.test("C: without optimisation, and as gcc compiles it", async () => {
  await withFolder(async (folder) => {
    assertEquals(await wrongVectors(await compile("bucket_diff.c", folder, ["-O0"])), []);
    const source = new URL("bucket_diff.c", import.meta.url).pathname;
    const flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-I", headerFolder];
    await run("gcc", [...flags, "-o", `${folder}/gcc`, source]);
    assertEquals(await wrongVectors(`${folder}/gcc`), []);
  });
});

Deno.test("C: the vectors catch each change to the header", async () => {
  const changes: [string, string][] = [
    ["AVAIL_NAT_SLICE\t\t252", "AVAIL_NAT_SLICE\t\t253"],
    ["AVAIL_NAT_PORT_FIRST\t1024", "AVAIL_NAT_PORT_FIRST\t1023"],
    ["AVAIL_EXTENSIONS_MAX\t6", "AVAIL_EXTENSIONS_MAX\t5"],
    ["AVAIL_ROTATE(s->v1, 13)", "AVAIL_ROTATE(s->v1, 12)"],
    ["hash >> 24", "hash & 255"],
    [" && type != 12)", ")"],
    ["type < 1 || type > 4", "type < 1 || type > 3"],
    ["fragment & 0x1fff", "fragment & 0x00ff"],
    ["(p[1] + 2u) * 4", "(p[1] + 1u) * 8"],
    ["AVAIL_ETHERTYPE_QINQ\t0x88a8", "AVAIL_ETHERTYPE_QINQ\t0x88a9"],
    ["13u << 24 | t->proto", "13u << 24"],
  ];
  const header = await Deno.readTextFile(`${headerFolder}/bucket.h`);
  await withFolder(async (folder) => {
    for (const [from, to] of changes) {
      assert(header.includes(from), `changing the header: not found: ${from}`);
      await Deno.writeTextFile(`${folder}/bucket.h`, header.replace(from, to));
      const executable = await compile("bucket_diff.c", folder, [], folder);
      assertNotEquals(await wrongVectors(executable), [], `not caught: ${from} to ${to}`);
    }
  });
});

Deno.test("C and TypeScript agree on frames that are deliberately broken", async () => {
  const seed = Date.now() | 0;
  console.log(`seed ${seed}, ${frameCount} frames`);
  const random = new Random(seed);
  const frames = new BrokenFrames(bucketVectors, random);
  const configs = distinctConfigs();
  const questions = new Questions();
  const asked: { config: VectorConfig; frame: Uint8Array }[] = [];
  for (let i = 0; i < frameCount; i += 100) {
    const config = configs[random.below(configs.length)];
    questions.config(config);
    for (let j = 0; j < 100; j++) {
      const frame = frames.next();
      questions.frame(frame);
      asked.push({ config, frame });
    }
  }
  const answers = await withFolder(async (folder) =>
    await questions.ask(await compile("bucket_diff.c", folder, sanitizers))
  );
  assertEquals(answers.length, frameCount);

  const tally = new Map<string, number>();
  let differentSeed = 0;
  for (const [i, { config, frame }] of asked.entries()) {
    const native = verdictOf(answers[i]);
    const twin = bucketOfFrame(frame, keyOf(config));
    if (native !== twin) {
      assertEquals(twin, native, `${JSON.stringify(config)} ${Array.from(frame)}`);
    }
    const kind = typeof native === "number" ? "bucket" : native;
    tally.set(kind, (tally.get(kind) ?? 0) + 1);
    const flipped = { ...config, seed: [config.seed[0] ^ 1, config.seed[1]] as const };
    if (i < 2000 && kind === "bucket" && config.nat === null) {
      if (bucketOfFrame(frame, keyOf(flipped)) !== native) differentSeed++;
    }
  }
  for (const kind of ["bucket", "malformed", "ndp", "arp", "other", "fragmentToNat", "natOther"]) {
    assertGreater(tally.get(kind) ?? 0, 50, `too few frames to tell: ${kind}`);
  }
  assertGreater(differentSeed, 500, "a bit of the seed must change the buckets");
});

Deno.test("C: ten seconds of fuzzing find nothing", async () => {
  await withFolder(async (folder) => {
    const executable = await compile("bucket_fuzz.c", folder, [
      "-fsanitize=fuzzer,address,undefined",
      "-fno-sanitize-recover=all",
    ]);
    const corpus = `${folder}/corpus`;
    await Deno.mkdir(corpus);
    for (const [i, { frame, config }] of bucketVectors.entries()) {
      const prefix = new Uint8Array(24).fill(0xff, 16);
      prefix[8] = ["source", "pair", "inside", "flow"].indexOf(config.key);
      prefix[10] = config.nat === null ? 0 : 1;
      prefix.set([192, 0, 2, 1], 12);
      await Deno.writeFile(`${corpus}/${i}`, Uint8Array.of(...prefix, ...fromHex(frame)));
    }
    const flags = ["-max_total_time=10", "-max_len=400", `-artifact_prefix=${folder}/`];
    await run(executable, [...flags, corpus]);
  });
});

const byte = (_: unknown, i: number) => i;

const keyCache = new Map<string, ReturnType<typeof frameKey>>();

function keyOf(config: VectorConfig): ReturnType<typeof frameKey> {
  const text = JSON.stringify(config);
  const key = keyCache.get(text) ?? frameKey(config);
  keyCache.set(text, key);
  return key;
}

function distinctConfigs(): VectorConfig[] {
  return [...new Map(bucketVectors.map(({ config }) => [JSON.stringify(config), config])).values()];
}

/** Names of the vectors to which `executable` answers wrongly. */
async function wrongVectors(executable: string): Promise<string[]> {
  const questions = new Questions();
  for (const { config, frame } of bucketVectors) {
    questions.config(config);
    questions.frame(fromHex(frame));
  }
  const answers = await questions.ask(executable);
  return bucketVectors.filter(({ expected }, i) => verdictOf(answers[i]) !== expected)
    .map(({ name }) => name);
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "avail-bucket-" });
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
