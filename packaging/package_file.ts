/** Puts launcher and files together, as lib/package_layout.ts says. */
import { encodeIndex, encodeTrailer } from "../lib/package_layout.ts";
import { compress, compressOnce } from "./compress.ts";
import { sha256 } from "./digest.ts";

export interface CarriedContent {
  readonly name: string;
  readonly content: Uint8Array;
}

/** The runtime: first in the index, and compressed by itself, since it changes least. */
export const runtimeName = "bin/avail";

/**
 * The same files give the same bytes.
 * @param files In any order; one is the runtime.
 * @param cache Folder for what compressing the runtime has given.
 */
export async function packageFile(
  launcher: Uint8Array,
  files: readonly CarriedContent[],
  version: string,
  cache: string,
): Promise<Uint8Array> {
  const rest = files.filter(({ name }) => name !== runtimeName)
    .sort((a, b) => a.name < b.name ? -1 : 1);
  const runtime = files.find(({ name }) => name === runtimeName);
  if (runtime === undefined) throw new Error(`package: there is no ${runtimeName}`);
  const payload = concatenate([
    await compressOnce(runtime.content, cache),
    await compress(concatenate(rest.map(({ content }) => content))),
  ]);
  const ordered = [runtime, ...rest];
  const index = encodeIndex(ordered.map(({ name, content }) => ({
    name,
    bytes: content.length,
    sha256: sha256(content),
  })));
  const trailer = encodeTrailer({
    sha256: sha256(launcher, payload, index),
    payloadOffset: launcher.length,
    payloadBytes: payload.length,
    unpackedBytes: ordered.reduce((sum, { content }) => sum + content.length, 0),
    entries: ordered.length,
    version,
  });
  return concatenate([launcher, payload, index, trailer]);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
