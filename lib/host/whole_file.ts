/**
 * Files that come into being whole: a reader, or a crash, meets the old content or the new, and two
 * writers never overwrite each other by accident.
 */
import { AvailError } from "../errors.ts";
import { folderOf } from "../folder_of.ts";
import { unreadable } from "./file_problem.ts";

export interface WholeFileOptions {
  readonly mode: number;
  /** What is there already: left as it is, with an error; kept as `PATH.old`; or gone. */
  readonly present: "refuse" | "keep" | "replace";
}

/** Writes a file; throws `AvailError` that names the path and what to do. */
export async function writeWholeFile(
  path: string,
  text: string,
  { mode, present }: WholeFileOptions,
): Promise<void> {
  const fresh = `${path}.${crypto.randomUUID().slice(0, 8)}.new`;
  try {
    await writeFresh(fresh, text, mode);
    try {
      await put(fresh, path, present);
    } finally {
      await Deno.remove(fresh).catch(() => {}); // it has its place, or none
    }
    using directory = await Deno.open(folderOf(path));
    await directory.sync();
  } catch (error) {
    if (error instanceof AvailError) throw error;
    const { problem, remedy } = unreadable(error, `make the folder: mkdir -p ${folderOf(path)}`);
    throw new AvailError(`write ${path}: ${problem}; ${remedy}`, { cause: error });
  }
}

async function writeFresh(path: string, text: string, mode: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await Deno.chmod(path, mode); // whatever the umask is
  await file.sync();
}

async function put(
  fresh: string,
  path: string,
  present: WholeFileOptions["present"],
): Promise<void> {
  if (present === "replace") return await Deno.rename(fresh, path);
  if (present === "keep") {
    // A second name first: at no moment is there no file.
    await Deno.remove(`${path}.old`).catch(ignoreMissing);
    await Deno.link(path, `${path}.old`).catch(ignoreMissing);
    return await Deno.rename(fresh, path);
  }
  try {
    await Deno.link(fresh, path); // link(2) never replaces
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new AvailError(`write ${path}: it is there already; replace it with --force`, {
      cause: error,
    });
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
