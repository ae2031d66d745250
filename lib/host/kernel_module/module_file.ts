/** What is written in a module's file (.ko): the strings of its section .modinfo, and its signature. */
import { gunzipSync, zstdDecompressSync } from "node:zlib";

/** What is known of a module's file; null: not known, or not in it. */
export interface ModuleFile {
  /** MODULE_VERSION. */
  readonly version: string | null;
  /** The kernel's release that it was built for: the first word of its version magic. */
  readonly release: string | null;
  /** Null where it is compressed in a way that cannot be looked into. */
  readonly isSigned: boolean | null;
}

/** At the end of a signed module (include/linux/module_signature.h). */
const signatureMark = "~Module signature appended~\n";

/** @param name Its file name: how it is compressed. */
export function readModuleFile(name: string, bytes: Uint8Array): ModuleFile {
  const plain = decompressed(name, bytes);
  if (plain === null) return { version: null, release: null, isSigned: null };
  const text = new TextDecoder("latin1").decode(plain);
  return {
    version: information(text, "version"),
    release: information(text, "vermagic")?.split(" ")[0] ?? null,
    isSigned: text.endsWith(signatureMark),
  };
}

/** One `key=value` of .modinfo. Before the first of them stands the end of whatever section is before. */
function information(text: string, key: string): string | null {
  return new RegExp(`[^\\x20-\\x7e]${key}=([^\\0]*)\\0`).exec(text)?.[1] ?? null;
}

function decompressed(name: string, bytes: Uint8Array): Uint8Array | null {
  try {
    if (name.endsWith(".gz")) return gunzipSync(bytes);
    if (name.endsWith(".zst")) return zstdDecompressSync(bytes);
  } catch {
    return null;
  }
  return name.endsWith(".ko") ? bytes : null;
}
