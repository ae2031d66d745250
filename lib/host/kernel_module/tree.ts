/**
 * The files of a system whose root may lie anywhere: `/`, a mounted image, or what a test made up.
 * Symbolic links are followed inside of it, where the system's own programs would follow them.
 */

/** As many links in one path as the kernel follows (MAXSYMLINKS). */
const linksMax = 40;

export class Tree {
  /** Without a slash at its end; empty for the machine's own root. */
  readonly root: string;

  constructor(root = "/") {
    this.root = root.replace(/\/+$/, "");
  }

  /** Where this machine finds `path` of the tree, its links followed; null where there is nothing. */
  find(path: string): string | null {
    const done: string[] = [];
    const open = path.split("/").reverse();
    let links = 0;
    while (open.length > 0) {
      const name = open.pop()!;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        done.pop();
        continue;
      }
      const here = `${this.root}/${[...done, name].join("/")}`;
      const target = linkTarget(here);
      if (target === null) {
        done.push(name);
        continue;
      }
      if (++links > linksMax) return null;
      if (target.startsWith("/")) done.length = 0;
      open.push(...target.split("/").reverse());
    }
    const found = `${this.root}/${done.join("/")}`;
    return isThere(found) ? found : null;
  }

  exists(path: string): boolean {
    return this.find(path) !== null;
  }

  /** Null where the file is not there or cannot be read. */
  read(path: string): Uint8Array<ArrayBuffer> | null {
    const found = this.find(path);
    try {
      return found === null ? null : Deno.readFileSync(found);
    } catch {
      return null;
    }
  }

  readText(path: string): string | null {
    const bytes = this.read(path);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** Names in a folder, sorted; none where there is no such folder. */
  list(path: string): string[] {
    const found = this.find(path);
    try {
      return found === null ? [] : [...Deno.readDirSync(found)].map(({ name }) => name).sort();
    } catch {
      return [];
    }
  }
}

function linkTarget(path: string): string | null {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return null;
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
