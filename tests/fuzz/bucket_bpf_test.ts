/** kmod/bucket.h in the kernel: the verifier takes every configuration, the vectors hold. */

import { assertEquals, assertNotEquals } from "../assert.ts";
import type { VectorConfig } from "../vectors/bucket_vector.ts";
import { bucketVectors } from "../vectors/read.ts";
import { encodeConfig, headerFolder, run, verdictOf } from "./bucket_native.ts";

/** BPF_PROG_TEST_RUN refuses less than an Ethernet header. */
const frameBytesMin = 14;

const seed = [1, 2] as const;
const base: VectorConfig = { seed, key: "pair", side: null, nat: null, inside: [] };

const ignore = Deno.uid() !== 0;
const privileged = (name: string) => ({ name: `${name} (needs root)`, ignore });

Deno.test(privileged("BPF: the verifier takes every combination of flags"), async () => {
  const prefixes = ["10.0.0.0/8", "2001:db8::/32"];
  const many = Array.from({ length: 16 }, (_, i) => prefixes[i & 1]);
  const configs = [null, "192.0.2.1"].flatMap((nat) => [
    ...(["source", "pair", "flow"] as const).map((key) => ({ ...base, key, nat })),
    ...(["inside", "outside"] as const).flatMap((side) =>
      [[], prefixes, many].map((inside) => ({ ...base, key: "inside" as const, side, inside, nat }))
    ),
  ]);
  await withFolder(async (folder) => {
    const names = [];
    for (const [i, config] of configs.entries()) {
      names.push(await compileBpf(folder, `${i}`, config));
    }
    await inPrivateBpffs(folder, names.map((name) => `bpftool prog load ${name}.o bpf/${name}`));
  });
});

Deno.test(privileged("BPF: every vector's frame gives its bucket or verdict"), async () => {
  const vectors = bucketVectors.filter(({ frame }) => frame.length >= 2 * frameBytesMin);
  await withFolder(async (folder) => {
    const answers = await runVectors(folder, vectors, (config) => config);
    const wrong = vectors.filter(({ expected }, i) => answers[i] !== expected);
    assertEquals(wrong.map(({ name }) => name), []);

    // Negative control: another seed.
    const some = vectors.filter(({ hashed }) => hashed !== null).slice(0, 8);
    const others = await runVectors(folder, some, (config) => ({ ...config, seed }));
    assertNotEquals(others, some.map(({ expected }) => expected));
  });
});

async function runVectors(
  folder: string,
  vectors: typeof bucketVectors,
  change: (config: VectorConfig) => VectorConfig,
) {
  const programs = new Map<string, string>();
  const commands: string[] = [];
  for (const [i, vector] of vectors.entries()) {
    const config = change(vector.config);
    const text = JSON.stringify(config);
    let program = programs.get(text);
    if (!program) {
      program = await compileBpf(folder, `v${programs.size}`, config);
      programs.set(text, program);
      commands.push(`bpftool prog load ${program}.o bpf/${program}`);
    }
    await Deno.writeFile(`${folder}/frame${i}`, Uint8Array.fromHex(vector.frame));
    commands.push(`bpftool -j prog run pinned bpf/${program} data_in frame${i}; echo`);
  }
  const lines = (await inPrivateBpffs(folder, commands)).split("\n").filter((line) => line !== "");
  return lines.map((line) => verdictOf(JSON.parse(line).retval - 1000));
}

async function compileBpf(folder: string, name: string, config: VectorConfig): Promise<string> {
  await run("clang", [
    ...["-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3"],
    ...["-I", headerFolder, "-I", `/usr/include/${Deno.build.arch}-linux-gnu`],
    ...[`-DTEST_CONFIG=${encodeConfig(config).join(",")}`, "-c", "-o", `${folder}/${name}.o`],
    new URL("bucket.bpf.c", import.meta.url).pathname,
  ]);
  return name;
}

/** Runs shell commands in `folder`, with a BPF file system on bpf/ that ends with them. */
async function inPrivateBpffs(folder: string, commands: readonly string[]): Promise<string> {
  await Deno.mkdir(`${folder}/bpf`, { recursive: true });
  const script = ["set -e", `cd ${folder}`, "mount -t bpf bpf bpf", ...commands].join("\n");
  return new TextDecoder().decode(await run("unshare", ["--mount", "sh", "-c", script]));
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "avail-bucket-bpf-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
