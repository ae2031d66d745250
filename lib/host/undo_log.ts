/**
 * What was changed on this machine, written down before it is changed, so that the daemon that ends, a
 * later one, or the removal after a crash can put it back.
 */
import { AvailError } from "../errors.ts";

/** One change, with what is needed to take it back. */
export type Change =
  /** A file of /proc/sys, and what it held. */
  | { readonly kind: "sysctl"; readonly path: string; readonly old: string }
  | {
    readonly kind: "address";
    readonly use: "shared" | "group";
    readonly interface: string;
    readonly index: number;
    readonly family: 4 | 6;
    readonly address: string;
  }
  | {
    readonly kind: "route";
    readonly interface: string;
    readonly index: number;
    readonly family: 4 | 6;
    /** Host bits are zero. */
    readonly network: string;
    readonly prefixLength: number;
    /** Where it is not the kernel's own choice. */
    readonly metric?: number;
  }
  /** A MAC in the interface's filter, as `ip maddr` shows it. */
  | {
    readonly kind: "mac";
    readonly interface: string;
    readonly index: number;
    readonly mac: string;
  }
  /** A device that was made; its name is written down before the kernel gives it a number. */
  | {
    readonly kind: "link";
    readonly interface: string;
    /** As `ip -d link` shows it. */
    readonly linkKind: "clusterdev";
    /** The number of the interface that it lies on. */
    readonly lower: number;
  }
  /** A bpf file system that was mounted. */
  | { readonly kind: "mount"; readonly path: string };

/** The file's content. */
interface Content {
  readonly schema: 1;
  readonly changes: readonly Change[];
}

/** Where a daemon that keeps its things in `runDir` writes its changes down. */
export function undoPath(runDir: string): string {
  return `${runDir}/undo.json`;
}

export class UndoLog {
  readonly #path: string;
  #changes: Change[];

  /** Opens the log, with what an earlier daemon left in it. */
  constructor(path: string) {
    this.#path = path;
    this.#changes = read(path);
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }

  has(change: Change): boolean {
    const key = keyOf(change);
    return this.#changes.some((other) => keyOf(other) === key);
  }

  /** Writes a change down; one that is known already keeps its first old value. */
  record(change: Change): void {
    if (this.has(change)) return;
    this.#changes.push(change);
    this.#write();
  }

  /** Forgets a change that has been taken back, or was never made. */
  forget(change: Change): void {
    const key = keyOf(change);
    this.#changes = this.#changes.filter((other) => keyOf(other) !== key);
    this.#write();
  }

  /** Replaced whole, so that a crash leaves the old content or the new. */
  #write(): void {
    if (this.#changes.length === 0) {
      Deno.removeSync(this.#path);
      return;
    }
    const content: Content = { schema: 1, changes: this.#changes };
    Deno.writeTextFileSync(`${this.#path}.new`, JSON.stringify(content, null, 1), { mode: 0o600 });
    Deno.renameSync(`${this.#path}.new`, this.#path);
  }
}

function read(path: string): Change[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
  try {
    return [...(JSON.parse(text) as Content).changes];
  } catch (cause) {
    throw new AvailError(
      `read ${path}: not the log of changes that avail writes; put back what it lists, then remove it`,
      { cause },
    );
  }
}

/** What makes two changes the same one: all but the old value of a setting. */
export function keyOf(change: Change): string {
  return JSON.stringify(change.kind === "sysctl" ? { ...change, old: undefined } : change);
}
