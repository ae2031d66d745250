/** What setting a node up changes on the machine: its configuration and its key file, whole or not at all. */
import { AvailError, exitCodes, type Fault } from "../errors.ts";
import { folderOf } from "../folder_of.ts";
import { formatKeyFile, secretBytes } from "../wire/keys.ts";
import { unreadable } from "./file_problem.ts";
import { readKeyFile } from "./key_file.ts";
import { tokenFileOf } from "./token_file.ts";
import { writeWholeFile } from "./whole_file.ts";

/** What is there before anything is written. */
export interface Present {
  readonly config: boolean;
  readonly key: boolean;
}

export async function lookForFiles(file: string, keyFile: string): Promise<Present> {
  return { config: await exists(file), key: await exists(keyFile) };
}

export interface FilesToWrite {
  readonly file: string;
  readonly text: string;
  readonly keyFile: string;
  /** The key file's text; null: the one that is there stays. */
  readonly keys: string | null;
  /** What is there is replaced, and kept as `FILE.old`. */
  readonly force: boolean;
}

/** Writes the key file first, since the configuration names it; the paths that were written. */
export async function writeNodeFiles(wanted: FilesToWrite): Promise<string[]> {
  const present = wanted.force ? "keep" : "refuse";
  const written: string[] = [];
  await makeFolder(folderOf(wanted.keyFile));
  await makeFolder(folderOf(wanted.file));
  if (wanted.keys !== null) {
    await writeWholeFile(wanted.keyFile, wanted.keys, { mode: 0o600, present });
    written.push(wanted.keyFile);
    // Tokens that are there were made for other keys: they must not give these away.
    await removeIfThere(tokenFileOf(wanted.keyFile));
  }
  try {
    await writeWholeFile(wanted.file, wanted.text, { mode: 0o644, present });
  } catch (error) {
    // Without a configuration the new key is nobody's; with --force the old one comes back.
    if (wanted.keys !== null) await putBack(wanted.keyFile);
    throw error;
  }
  return [...written, wanted.file];
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    const { problem, remedy } = unreadable(error, "");
    throw new AvailError(`remove ${path}: ${problem}; ${remedy}`, { cause: error });
  }
}

async function putBack(path: string): Promise<void> {
  try {
    await Deno.rename(`${path}.old`, path);
  } catch {
    await Deno.remove(path).catch(() => {});
  }
}

/** Fails where `writeNodeFiles` would: before anything that cannot be taken back is done. */
export async function checkFolders(paths: readonly string[]): Promise<void> {
  for (const folder of new Set(paths.map(folderOf))) {
    await makeFolder(folder);
    const probe = `${folder}/.avail-${crypto.randomUUID().slice(0, 8)}`;
    try {
      (await Deno.open(probe, { write: true, createNew: true, mode: 0o600 })).close();
      await Deno.remove(probe);
    } catch (error) {
      const { problem, remedy } = unreadable(error, "make the folder");
      throw new AvailError(`write to ${folder}: ${problem}; ${remedy}`, { cause: error });
    }
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o755 });
  } catch (error) {
    const { problem, remedy } = unreadable(error, "make it");
    throw new AvailError(`make the folder ${path}: ${problem}; ${remedy}`, { cause: error });
  }
}

/** The text of a key file with fresh secrets. */
export function freshKeys(): string {
  const secret = () => crypto.getRandomValues(new Uint8Array(secretBytes));
  return formatKeyFile({ seed: secret(), keys: [{ id: 0, bytes: secret() }] });
}

/** Throws `AvailError` where the key file that is there cannot stay. */
export async function requireUsableKey(keyFile: string): Promise<void> {
  const found = await readKeyFile(keyFile);
  if (!("problem" in found)) return;
  throw new AvailError(
    `${keyFile}: ${found.problem}; ${found.remedy}, or replace it with --new-key`,
    { exitCode: exitCodes.usage },
  );
}

/** The faults of several sources, each once. */
export function together(...lists: readonly (readonly Fault[])[]): Fault[] {
  const seen = new Set<string>();
  return lists.flat().filter(({ file, where, problem }) => {
    const identity = `${file} ${where} ${problem}`;
    return !seen.has(identity) && seen.add(identity);
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    const { problem, remedy } = unreadable(error, "");
    throw new AvailError(`${path}: ${problem}; ${remedy}`, { cause: error });
  }
}
