/** `.cache/vm/`: what was downloaded, unpacked and built, for all runs in this checkout. */

/** The project. */
export const root = new URL("../../", import.meta.url).pathname;
export const cacheFolder = `${root}.cache/vm`;

/**
 * Does `work` while no other process holds the lock of the same name; the kernel frees it when its
 * holder dies.
 */
export async function locked<T>(name: string, work: () => Promise<T>): Promise<T> {
  await Deno.mkdir(cacheFolder, { recursive: true });
  using file = await Deno.open(`${cacheFolder}/${name}.lock`, { write: true, create: true });
  await file.lock(true);
  return await work();
}

/** Hexadecimal SHA-256 of texts and bytes, each told apart from the next. */
export async function digest(...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const bytes = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : part
  );
  const all = new Uint8Array(bytes.reduce((sum, part) => sum + 8 + part.length, 0));
  let at = 0;
  for (const part of bytes) {
    new DataView(all.buffer).setUint32(at, part.length);
    all.set(part, at + 8);
    at += 8 + part.length;
  }
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The text of a file; null if there is none. */
export function readIfThere(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Replaces a file whole: who reads meanwhile sees the old one or the new one. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  Deno.writeFileSync(`${path}.new`, bytes);
  Deno.renameSync(`${path}.new`, path);
}

/** Removes a file or a folder with all in it; it need not exist. */
export async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
