/**
 * Whether the one file, and what it was unpacked to, are what they were built as. That finds what a
 * disk or a copy has damaged; whether the file is the one that was published, only its published
 * SHA-256 can tell.
 */
import { createHash } from "node:crypto";
import { AvailError, exitCodes } from "../errors.ts";
import {
  decodeIndex,
  decodeTrailer,
  type PackageEntry,
  packageRecordBytes,
  type PackageTrailer,
} from "../package_layout.ts";
import { type CarriedFiles, carriedFiles } from "./program_files.ts";

export interface VerifiedFile {
  readonly name: string;
  readonly path: string;
  /** What is wrong with it; null: it is as it was built. */
  readonly problem: string | null;
}

export interface Verification {
  readonly executable: string;
  /** SHA-256 of the whole file, as sha256sum(1) prints it. */
  readonly sha256: string;
  /** The executable first, then what it carries. */
  readonly files: readonly VerifiedFile[];
}

const chunkBytes = 1 << 20;
/** SHA-256 and name of each carried file, as sha256sum(1) writes them. */
const sumsName = "share/SHA256SUMS";

/** Reads everything once; throws `AvailError` where the program runs from source. */
export function verifyProgram(): Verification {
  const carried = carriedFiles();
  if (carried === null) {
    throw new AvailError(
      "version --verify: this program runs from its source; only the built file has sums in it",
      { exitCode: exitCodes.usage },
    );
  }
  return carried.kind === "launcher" ? verifyPackage(carried) : verifyCompiled(carried);
}

/** Behind the launcher: sums are in the index, and the index is in the sum of the trailer. */
function verifyPackage(carried: CarriedFiles): Verification {
  const { executable } = carried;
  using file = Deno.openSync(executable);
  const { size } = file.statSync();
  const end = readPart(file, Math.max(0, size - packageRecordBytes), packageRecordBytes);
  const trailer = decodeTrailer(end);
  if (trailer === null) {
    return {
      executable,
      sha256: digestOf(file, size).whole,
      files: [{ name: "avail", path: executable, problem: "is cut short or damaged" }],
    };
  }
  const { whole, covered } = digestOf(file, size, size - packageRecordBytes);
  const isSound = covered === hex(trailer.sha256);
  const own = { name: "avail", path: executable, problem: isSound ? null : "is damaged" };
  const entries = isSound ? entriesOf(file, trailer) : [];
  return {
    executable,
    sha256: whole,
    files: [own, ...entries.flatMap((entry) => verifyEntry(entry, carried) ?? [])],
  };
}

/** By `deno compile`: the runtime reads its files out of the executable; their sums are one of them. */
function verifyCompiled({ executable, path }: CarriedFiles): Verification {
  using file = Deno.openSync(executable);
  const { whole } = digestOf(file, file.statSync().size);
  const sums = path(sumsName);
  if (sums === null) {
    const files = [{ name: sumsName, path: executable, problem: "is missing" }];
    return { executable, sha256: whole, files };
  }
  const files = Deno.readTextFileSync(sums).trimEnd().split("\n").map((line) => {
    const [sum, name] = line.split("  ");
    const inside = path(name);
    if (inside === null) return { name, path: executable, problem: "is missing" };
    const found = createHash("sha256").update(Deno.readFileSync(inside)).digest("hex");
    return { name, path: inside, problem: found === sum ? null : "is not what was built" };
  });
  return { executable, sha256: whole, files };
}

function entriesOf(file: Deno.FsFile, trailer: PackageTrailer): PackageEntry[] {
  const at = trailer.payloadOffset + trailer.payloadBytes;
  return decodeIndex(readPart(file, at, trailer.entries * packageRecordBytes));
}

/** null: it is not there because this process runs from memory, and needs it not. */
function verifyEntry(entry: PackageEntry, carried: CarriedFiles): VerifiedFile | null {
  const isRuntime = entry.name === "bin/avail";
  const place = carried.path(entry.name);
  if (place === null && !isRuntime && carried.isInMemory) return null;
  // What runs is what counts: whatever lies where it was started from.
  const path = isRuntime ? "/proc/self/exe" : place;
  if (path === null) return { name: entry.name, path: entry.name, problem: "is missing" };
  const shown = isRuntime ? Deno.execPath() : path;
  try {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    const isSame = size === entry.bytes && digestOf(file, size).whole === hex(entry.sha256);
    return { name: entry.name, path: shown, problem: isSame ? null : "is not what was built" };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name: entry.name, path: shown, problem: `cannot be read: ${why}` };
  }
}

/** SHA-256 in hexadecimal of a file of `size` bytes, and of its first `coveredBytes`. */
function digestOf(
  file: Deno.FsFile,
  size: number,
  coveredBytes = size,
): { readonly whole: string; readonly covered: string } {
  file.seekSync(0, Deno.SeekMode.Start);
  const hash = createHash("sha256");
  const chunk = new Uint8Array(chunkBytes);
  let covered = "";
  for (let at = 0; at < size;) {
    const end = at < coveredBytes ? coveredBytes : size;
    const got = file.readSync(chunk.subarray(0, Math.min(chunkBytes, end - at)));
    if (got === null) break;
    hash.update(chunk.subarray(0, got));
    at += got;
    if (at === coveredBytes) covered = hash.copy().digest("hex");
  }
  return { whole: hash.digest("hex"), covered };
}

function readPart(file: Deno.FsFile, at: number, bytes: number): Uint8Array<ArrayBuffer> {
  file.seekSync(at, Deno.SeekMode.Start);
  const part = new Uint8Array(bytes);
  for (let have = 0; have < bytes;) {
    const got = file.readSync(part.subarray(have));
    if (got === null) break;
    have += got;
  }
  return part;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
