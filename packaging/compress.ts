/**
 * zstd, by its program: its level 19 is not to be had otherwise. The number of threads is fixed, since the
 * result depends on it.
 */
import { run } from "./command.ts";
import { hex, sha256 } from "./digest.ts";

/** The launcher refuses windows above 8 MB (2^23), which is what this level has. */
const how = ["-q", "-19", "--check", "-T2"];

/** One zstd frame. */
export async function compress(content: Uint8Array): Promise<Uint8Array> {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "avail-compress-" });
  try {
    await Deno.writeFile(`${folder}/plain`, content);
    await run("zstd", [...how, `${folder}/plain`, "-o", `${folder}/packed`]);
    return await Deno.readFile(`${folder}/packed`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * The same, for what changes seldom and takes a minute: the runtime. What it gave is kept by the content's
 * SHA-256.
 * @param cache Folder where it is kept.
 */
export async function compressOnce(content: Uint8Array, cache: string): Promise<Uint8Array> {
  const kept = `${cache}/${hex(sha256(content))}.zst`;
  try {
    return await Deno.readFile(kept);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const packed = await compress(content);
  await Deno.mkdir(cache, { recursive: true });
  const fresh = `${kept}.${Deno.pid}`;
  await Deno.writeFile(fresh, packed);
  await Deno.rename(fresh, kept);
  return packed;
}
