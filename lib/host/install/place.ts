/**
 * Folders and files of a system under any root. Links inside that system are followed inside of it, so
 * nothing is ever written outside. A file is replaced whole: whoever reads it meanwhile, or after a crash,
 * has the old one or the new one.
 */
import { AvailError } from "../../errors.ts";
import type { Tree } from "../kernel_module/tree.ts";

export class Place {
  constructor(readonly tree: Tree) {}

  /** Where this machine has, or would have, `path` of the system. */
  resolve(path: string): string {
    const found = this.tree.find(path);
    if (found !== null) return found;
    const { folder, name } = split(path);
    if (folder === "" && name === "") return this.tree.root;
    return `${this.resolve(folder || "/").replace(/\/$/, "")}/${name}`;
  }

  /** Null where there is nothing. A link counts as what it leads to. */
  stat(path: string): Deno.FileInfo | null {
    const found = this.tree.find(path);
    return found === null ? null : Deno.statSync(found);
  }

  /** Whether there is a file, a folder, or a link, wherever that leads. */
  isThere(path: string): boolean {
    return this.#lstat(path) !== null;
  }

  /** The folders that have to be made for `path` to have one, outermost first. */
  missingFolders(path: string): string[] {
    const { folder } = split(path);
    if (folder === "" || this.stat(folder) !== null) return [];
    return [...this.missingFolders(folder), folder];
  }

  /** One that is there already keeps what is in it. */
  makeFolder(path: string, mode: number): void {
    attempt(`make folder ${this.#told(path)}`, () => {
      Deno.mkdirSync(this.resolve(path), { recursive: true, mode });
      Deno.chmodSync(this.resolve(path), mode); // whatever the umask is
    });
  }

  setMode(path: string, mode: number): void {
    attempt(`set the mode of ${this.#told(path)}`, () => Deno.chmodSync(this.resolve(path), mode));
  }

  writeFile(path: string, content: Uint8Array<ArrayBuffer>, mode: number): void {
    const target = this.resolve(path);
    const fresh = `${target}.new-${crypto.randomUUID().slice(0, 8)}`;
    attempt(`write ${this.#told(path)}`, () => {
      try {
        {
          using file = Deno.openSync(fresh, { write: true, createNew: true, mode: 0o600 });
          for (let at = 0; at < content.length;) at += file.writeSync(content.subarray(at));
          Deno.chmodSync(fresh, mode);
          file.syncSync();
        }
        Deno.renameSync(fresh, target);
      } catch (error) {
        removeIfThere(fresh);
        throw error;
      }
    });
  }

  /** Removes a file or link, or a folder with all that is in it; false where it was not there. */
  remove(path: string): boolean {
    const own = this.#own(path);
    return own !== null && attempt(`remove ${this.#told(path)}`, () => removeIfThere(own));
  }

  /** Removes a file or link; a folder that somebody has put in its place stays. */
  removeFile(path: string): boolean {
    return this.#lstat(path)?.isDirectory === false && this.remove(path);
  }

  /** Removes a folder if nothing is in it. */
  removeEmptyFolder(path: string): boolean {
    if (!this.stat(path)?.isDirectory || this.tree.list(path).length > 0) return false;
    return this.remove(path);
  }

  /** Where `path` itself is, and not what it leads to; null where it has no folder. */
  #own(path: string): string | null {
    const { folder, name } = split(path);
    const parent = this.tree.find(folder || "/");
    return parent === null ? null : `${parent.replace(/\/$/, "")}/${name}`;
  }

  #lstat(path: string): Deno.FileInfo | null {
    const own = this.#own(path);
    try {
      return own === null ? null : Deno.lstatSync(own);
    } catch {
      return null;
    }
  }

  #told(path: string): string {
    return this.tree.root + path;
  }
}

function split(path: string): { folder: string; name: string } {
  const trimmed = path.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  return { folder: trimmed.slice(0, Math.max(slash, 0)), name: trimmed.slice(slash + 1) };
}

function removeIfThere(path: string): boolean {
  try {
    Deno.removeSync(path, { recursive: true });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const remedy = cause instanceof Deno.errors.PermissionDenied ? "; run this as root" : "";
    throw new AvailError(`${what}: ${why}${remedy}`, { cause });
  }
}
