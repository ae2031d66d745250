/**
 * The layout of dist/avail where a launcher is in front (packaging/launcher/package.h):
 *
 * ```
 *   launcher (ELF) | payload (zstd) | index: 128 bytes for each file | trailer: 128 bytes
 * ```
 *
 * The payload is the contents of all files in the index's order. The trailer's SHA-256 covers all
 * that stands in front of it. Numbers are little endian; names are ASCII, padded with NUL.
 */

export interface PackageEntry {
  /** Relative, of letters, digits and `_ - . /`; no part begins with a dot. */
  readonly name: string;
  readonly bytes: number;
  readonly sha256: Uint8Array;
}

export interface PackageTrailer {
  readonly sha256: Uint8Array;
  readonly payloadOffset: number;
  readonly payloadBytes: number;
  readonly unpackedBytes: number;
  readonly entries: number;
  readonly version: string;
}

export const packageRecordBytes = 128;
/** PACKAGE_ENTRIES_MAX in packaging/launcher/package.h. */
export const packageEntriesMax = 512;
const magic = "AVAILPK1";
const nameBytes = 88;
const versionBytes = 32;
const digestBytes = 32;

export function encodeIndex(entries: readonly PackageEntry[]): Uint8Array<ArrayBuffer> {
  if (entries.length > packageEntriesMax) throw new Error(`index: ${entries.length} files`);
  const bytes = new Uint8Array(entries.length * packageRecordBytes);
  const view = new DataView(bytes.buffer);
  entries.forEach((entry, i) => {
    const at = i * packageRecordBytes;
    putText(bytes, at, nameBytes, entry.name);
    view.setBigUint64(at + 88, BigInt(entry.bytes), true);
    bytes.set(entry.sha256, at + 96);
  });
  return bytes;
}

/** Throws where the bytes are no index; names and sizes are then as the launcher wants them. */
export function decodeIndex(bytes: Uint8Array<ArrayBuffer>): PackageEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / packageRecordBytes }, (_, i) => {
    const at = i * packageRecordBytes;
    const name = getText(bytes, at, nameBytes);
    if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(name)) throw new Error(`entry ${i}: not a name`);
    return {
      name,
      bytes: Number(view.getBigUint64(at + 88, true)),
      sha256: bytes.slice(at + 96, at + 96 + digestBytes),
    };
  });
}

export function encodeTrailer(trailer: PackageTrailer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(packageRecordBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(trailer.sha256, 0);
  view.setBigUint64(32, BigInt(trailer.payloadOffset), true);
  view.setBigUint64(40, BigInt(trailer.payloadBytes), true);
  view.setBigUint64(48, BigInt(trailer.unpackedBytes), true);
  view.setUint32(56, trailer.entries, true);
  putText(bytes, 64, versionBytes, trailer.version);
  putText(bytes, 120, 9, magic);
  return bytes;
}

/** null: these bytes end no package. */
export function decodeTrailer(bytes: Uint8Array<ArrayBuffer>): PackageTrailer | null {
  if (bytes.length !== packageRecordBytes || getText(bytes, 120, 8) !== magic) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    sha256: bytes.slice(0, digestBytes),
    payloadOffset: Number(view.getBigUint64(32, true)),
    payloadBytes: Number(view.getBigUint64(40, true)),
    unpackedBytes: Number(view.getBigUint64(48, true)),
    entries: view.getUint32(56, true),
    version: getText(bytes, 64, versionBytes),
  };
}

/** `room` includes one NUL at least. */
function putText(bytes: Uint8Array, at: number, room: number, text: string): void {
  const encoded = new TextEncoder().encode(text);
  if (encoded.length >= room) throw new Error(`"${text}": longer than ${room - 1} bytes`);
  bytes.set(encoded, at);
}

function getText(bytes: Uint8Array, at: number, room: number): string {
  const text = new TextDecoder().decode(bytes.subarray(at, at + room));
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
