/**
 * The join tokens of this node in a file beside the key file, mode 0600: the daemon that takes nodes in
 * and the commands that make and revoke tokens change it in turns.
 */
import { AvailError } from "../errors.ts";
import { folderOf } from "../folder_of.ts";
import {
  formatTokenBook,
  parseTokenBook,
  pruned,
  type TokenRecord,
} from "../joining/token_book.ts";
import { unreadable } from "./file_problem.ts";
import { writeWholeFile } from "./whole_file.ts";

const lockTries = 100;
const lockPauseMs = 20;

/** Where the tokens are that are made for the cluster of this key file. */
export function tokenFileOf(keyFile: string): string {
  return `${folderOf(keyFile)}/join-tokens.json`;
}

/** The tokens; none where there is no file. Throws `AvailError`. */
export async function readTokens(path: string): Promise<readonly TokenRecord[]> {
  let text: string;
  try {
    const { isFile, mode } = await Deno.lstat(path);
    if (!isFile) throw new AvailError(`${path}: is no file; remove it`);
    if (((mode ?? 0) & 0o077) !== 0) {
      throw new AvailError(
        `${path}: others than its owner may use it (mode 0${((mode ?? 0) & 0o777).toString(8)}); ` +
          "its tokens may be known: remove it, and make others with `avail token`",
      );
    }
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    if (error instanceof AvailError) throw error;
    const { problem, remedy } = unreadable(error, "");
    throw new AvailError(`${path}: ${problem}; ${remedy}`, { cause: error });
  }
  const book = parseTokenBook(text);
  if (book === null) {
    throw new AvailError(
      `${path}: it is no file of join tokens; remove it, and make others with \`avail token\``,
    );
  }
  return book;
}

/** Lets one writer at a time change the tokens; resolves when the change is on disk. */
export async function changeTokens(
  path: string,
  change: (book: readonly TokenRecord[]) => readonly TokenRecord[],
): Promise<readonly TokenRecord[]> {
  using _lock = await lockFolder(folderOf(path));
  const before = await readTokens(path);
  const after = pruned(change(before), Date.now());
  await writeWholeFile(path, formatTokenBook(after), { mode: 0o600, present: "replace" });
  return after;
}

async function lockFolder(path: string): Promise<Deno.FsFile> {
  const folder = await openFolder(path);
  for (let tries = 0; tries < lockTries; tries++) {
    if (await folder.tryLock(true)) return folder;
    await new Promise((resolve) => setTimeout(resolve, lockPauseMs));
  }
  folder.close();
  throw new AvailError(`${path}: it is locked by another avail; try again`);
}

async function openFolder(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    const { problem, remedy } = unreadable(error, "set this node up first: avail init");
    throw new AvailError(`${path}: ${problem}; ${remedy}`, { cause: error });
  }
}
