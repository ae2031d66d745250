/** What an installation has to change in a system, and carrying it out. */
import type { Item } from "./layout.ts";
import type { Place } from "./place.ts";

/** One thing that was done, or would be; `path` is a command where something was run. */
export interface Step {
  readonly action: "write" | "replace" | "make" | "mode" | "link" | "remove" | "run";
  readonly path: string;
  /** What it is good for. */
  readonly what: string;
}

export interface Change {
  readonly step: Step;
  /** Folders that it makes, outermost first. */
  readonly folders: readonly string[];
  readonly carryOut: () => void;
}

/** Nobody but root may write where root's programs and secrets are. */
const writableByOthers = 0o022;

/** What brings the items about; nothing for those that are there already. */
export function changesFor(items: readonly Item[], place: Place): Change[] {
  const made = new Set<string>();
  return items.flatMap((item) => {
    const change = item.kind === "folder" ? folderChange(item, place) : fileChange(item, place);
    if (change === null) return [];
    const parents = place.missingFolders(item.path).filter((path) => !made.has(path));
    parents.forEach((path) => made.add(path));
    return [withParents(change, parents, place)];
  });
}

/** Folders that are missing are made with what needs them. */
function withParents(change: Change, parents: readonly string[], place: Place): Change {
  if (parents.length === 0) return change;
  return {
    step: change.step,
    folders: [...parents, ...change.folders],
    carryOut: () => {
      for (const path of parents) place.makeFolder(path, 0o755);
      change.carryOut();
    },
  };
}

function folderChange({ path, mode, what }: Item, place: Place): Change | null {
  const found = place.stat(path);
  if (found === null) {
    return {
      step: { action: "make", path, what },
      folders: [path],
      carryOut: () => place.makeFolder(path, mode),
    };
  }
  const has = (found.mode ?? 0) & 0o7777;
  if ((has & writableByOthers) === 0) return null;
  return setMode(place, path, has & ~writableByOthers, "nobody else may write there");
}

function fileChange(item: Item & { kind: "file" }, place: Place): Change | null {
  const { path, mode, content, what } = item;
  const found = place.stat(path);
  const isEqual = found?.isFile === true && found.size === content.length &&
    isEqualTo(content, place.tree.read(path));
  if (isEqual) {
    return ((found.mode ?? 0) & 0o7777) === mode ? null : setMode(place, path, mode, what);
  }
  return {
    step: { action: found === null ? "write" : "replace", path, what },
    folders: [],
    carryOut: () => place.writeFile(path, content, mode),
  };
}

function setMode(place: Place, path: string, mode: number, what: string): Change {
  return {
    step: { action: "mode", path, what },
    folders: [],
    carryOut: () => place.setMode(path, mode),
  };
}

export function removing(place: Place, path: string, what: string): Change {
  return {
    step: { action: "remove", path, what },
    folders: [],
    carryOut: () => void place.removeFile(path),
  };
}

function isEqualTo(a: Uint8Array, b: Uint8Array | null): boolean {
  if (b === null || a.length !== b.length) return false;
  // Word by word: the program has tens of megabytes.
  const words = Math.floor(a.length / 4);
  if (a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    const x = new Uint32Array(a.buffer, a.byteOffset, words);
    const y = new Uint32Array(b.buffer, b.byteOffset, words);
    for (let i = 0; i < words; i++) if (x[i] !== y[i]) return false;
    for (let i = 4 * words; i < a.length; i++) if (a[i] !== b[i]) return false;
    return true;
  }
  return a.every((byte, i) => byte === b[i]);
}
