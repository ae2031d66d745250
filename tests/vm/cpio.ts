/** Archives that the kernel unpacks as its first file system (Documentation/driver-api/early-userspace/buffer-format.rst). */

export type Entry =
  | {
    readonly kind: "file";
    readonly path: string;
    readonly mode: number;
    readonly bytes: Uint8Array;
  }
  | { readonly kind: "folder"; readonly path: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

const types = { file: 0o100000, folder: 0o040000, link: 0o120000 };
const encoder = new TextEncoder();

/**
 * An archive in the "newc" format. Paths are relative, without a leading slash; folders are made
 * for all paths, and stand before what is in them.
 */
export function packCpio(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const all = withFolders(entries);
  const parts: Uint8Array[] = [];
  for (const [index, entry] of all.entries()) parts.push(...record(entry, index + 1));
  parts.push(...record({ kind: "file", path: "TRAILER!!!", mode: 0, bytes: new Uint8Array(0) }, 0));
  const archive = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    archive.set(part, at);
    at += part.length;
  }
  return archive;
}

function withFolders(entries: readonly Entry[]): Entry[] {
  const all = new Map<string, Entry>();
  for (const entry of entries) {
    const names = entry.path.split("/");
    for (let depth = 1; depth < names.length; depth++) {
      const path = names.slice(0, depth).join("/");
      if (!all.has(path)) all.set(path, { kind: "folder", path, mode: 0o755 });
    }
    if (!all.has(entry.path)) all.set(entry.path, entry);
  }
  return [...all.values()];
}

function record(entry: Entry, inode: number): Uint8Array[] {
  const name = encoder.encode(`${entry.path}\0`);
  const bytes = entry.kind === "file"
    ? entry.bytes
    : encoder.encode(entry.kind === "link" ? entry.target : "");
  const mode = types[entry.kind] | (entry.kind === "link" ? 0o777 : entry.mode);
  const links = entry.kind === "folder" ? 2 : 1;
  // Inode, mode, owner, group, links, time, size, device (2), special device (2), name's length, checksum.
  const fields = [inode, mode, 0, 0, links, 0, bytes.length, 0, 0, 0, 0, name.length, 0];
  const header = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  const head = encoder.encode(`070701${header}`);
  return [head, name, padding(head.length + name.length), bytes, padding(bytes.length)];
}

function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}
