/** The vectors, read. */

import type { BucketVector } from "./bucket_vector.ts";

export const bucketVectors: readonly BucketVector[] = await readJson("bucket.json");

const published: { key: string[]; vectors: string[] } = await readJson("hsiphash.json");
const words = (texts: readonly string[]) => texts.map((text) => parseInt(text, 16));

/** Vector n is the hash of the bytes 0 to n - 1. */
export const hashVectors: {
  readonly seed: readonly [number, number];
  readonly hashes: readonly number[];
} = {
  seed: [words(published.key)[0], words(published.key)[1]],
  hashes: words(published.vectors),
};

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(name, import.meta.url)));
}
