/** The key file on disk: read only where nobody else can read it, and replaced at once or not at all. */
import { AvailError } from "../errors.ts";
import { KeyFileError, type KeyRing, parseKeyFile } from "../wire/keys.ts";
import { type FileProblem, unreadable } from "./file_problem.ts";

export interface KeyFile {
  readonly text: string;
  readonly ring: KeyRing;
}

/** The keys of a file that only its owner can read; no message repeats any of its content. */
export async function readKeyFile(path: string): Promise<KeyFile | FileProblem> {
  let text: string;
  try {
    using file = await Deno.open(path);
    const stat = await file.stat();
    const unsafe = unsafeFile(stat, path);
    if (unsafe) return unsafe;
    text = await readAll(file);
  } catch (error) {
    return unreadable(error, "make one, or copy the cluster's from another node");
  }
  try {
    return { text, ring: parseKeyFile(text) };
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error;
    const [problem, remedy] = error.message.split("; ");
    return { problem, remedy: remedy ?? "copy the cluster's key file from another node" };
  }
}

/** As `readKeyFile`; throws `AvailError` where it cannot be used. */
export async function loadKeyFile(path: string): Promise<KeyFile> {
  const found = await readKeyFile(path);
  if ("problem" in found) throw new AvailError(`${path}: ${found.problem}; ${found.remedy}`);
  return found;
}

/**
 * Puts another text in its place: a crash leaves the one or the other, and no reader meets half of it.
 * Owner and group stay, the mode is 0600. A link stays a link.
 */
export async function replaceKeyFile(path: string, text: string): Promise<void> {
  try {
    const real = await Deno.realPath(path);
    const { uid, gid } = await Deno.stat(real);
    const fresh = `${real}.new`;
    await Deno.remove(fresh).catch(() => {}); // of a daemon that was killed in between
    {
      using file = await Deno.open(fresh, { write: true, createNew: true, mode: 0o600 });
      await Deno.chmod(fresh, 0o600);
      await Deno.chown(fresh, uid, gid);
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    await Deno.rename(fresh, real);
    using directory = await Deno.open(real.slice(0, real.lastIndexOf("/")) || "/");
    await directory.sync();
  } catch (error) {
    const { problem } = unreadable(error, "");
    throw new AvailError(`write ${path}: ${problem}; the keys are as they were`, { cause: error });
  }
}

async function readAll(file: Deno.FsFile): Promise<string> {
  const bytes = new Uint8Array(keyFileBytesMax);
  let length = 0;
  for (let n; (n = await file.read(bytes.subarray(length))) !== null && n > 0;) length += n;
  return new TextDecoder().decode(bytes.subarray(0, length));
}

/** Bytes that a key file never needs; a wrong path should not read a disk image into memory. */
const keyFileBytesMax = 64 << 10;

function unsafeFile(stat: Deno.FileInfo, path: string): FileProblem | null {
  if (!stat.isFile) return { problem: "is no file", remedy: "name the cluster's key file" };
  if (stat.size > keyFileBytesMax) {
    return { problem: `has ${stat.size} bytes`, remedy: "name the cluster's key file" };
  }
  const mode = (stat.mode ?? 0) & 0o777;
  if ((mode & 0o177) !== 0) {
    return { problem: `has mode ${octal(mode)}`, remedy: `run: chmod 0600 ${path}` };
  }
  const user = Deno.uid();
  if (stat.uid !== 0 && stat.uid !== user) {
    return { problem: `belongs to user ${stat.uid}`, remedy: `run: chown root ${path}` };
  }
  return null;
}

function octal(mode: number): string {
  return "0" + mode.toString(8).padStart(3, "0");
}
