/**
 * zstd, with what has been compressed before kept by its SHA-256: the runtime takes a minute, and
 * changes with its version only. The number of threads is fixed, since the result depends on it.
 */
import { run } from "./command.ts";
import { hex, sha256 } from "./digest.ts";

/** The launcher refuses windows above 8 MB (2^23), which is what this level has. */
const how = ["-q", "-19", "--check", "-T2"];

/** One zstd frame. @param cache Folder of earlier results. */
export async function compress(content: Uint8Array, cache: string): Promise<Uint8Array> {
  const kept = `${cache}/${hex(sha256(content))}.zst`;
  try {
    return await Deno.readFile(kept);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.mkdir(cache, { recursive: true });
  const plain = await Deno.makeTempFile({ dir: cache });
  try {
    await Deno.writeFile(plain, content);
    await run("zstd", [...how, "-f", plain, "-o", `${plain}.zst`]);
    await Deno.rename(`${plain}.zst`, kept);
  } finally {
    await Deno.remove(plain);
  }
  return await Deno.readFile(kept);
}
