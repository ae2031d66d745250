/** What an installation wrote down about itself: for the next one, and for the removal. */
import type { Tree } from "../kernel_module/tree.ts";
import { stateFolder } from "./layout.ts";

export const manifestFile = `${stateFolder}/install.json`;

export interface Manifest {
  readonly schema: 1;
  /** Of the program, and the SHA-256 of its file in hexadecimal. */
  readonly version: string;
  readonly sha256: string;
  /** Path of the program's file. */
  readonly program: string;
  /** Files that were written. */
  readonly files: readonly string[];
  /** Folders that were not there before, outermost first. */
  readonly folders: readonly string[];
}

/** Null where nothing is installed, or what was written down cannot be understood. */
export function readManifest(tree: Tree): Manifest | null {
  const text = tree.readText(manifestFile);
  if (text === null) return null;
  try {
    const manifest: unknown = JSON.parse(text);
    return isManifest(manifest) ? manifest : null;
  } catch {
    return null;
  }
}

export function formatManifest(manifest: Manifest): string {
  return JSON.stringify(manifest, null, 1) + "\n";
}

/** What it names is removed one day: only absolute paths without detours count. */
function isManifest(value: unknown): value is Manifest {
  if (typeof value !== "object" || value === null) return false;
  const { schema, version, sha256, program, files, folders } = value as Record<string, unknown>;
  return schema === 1 && typeof version === "string" && typeof sha256 === "string" &&
    isPath(program) && Array.isArray(files) && files.every(isPath) &&
    Array.isArray(folders) && folders.every(isPath);
}

function isPath(value: unknown): boolean {
  return typeof value === "string" && /^\/[^/]/.test(value) && !/\/\.{0,2}(\/|$)/.test(value);
}
