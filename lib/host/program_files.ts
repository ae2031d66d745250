/**
 * Where the program's own files are. From source they lie in the checkout; dist/avail, the one file,
 * carries them: unpacked beside its program, in memory, or inside the runtime (`deno compile`).
 *
 * Each thread of the one file says so at its start (packaging/program/); from source nobody does.
 */
import { useCarriedLibraries } from "../../ffi/library.ts";

/** `launcher`: npm's deno behind a launcher; `compiled`: by `deno compile`; `source`: a checkout. */
export type BuildKind = "source" | "launcher" | "compiled";

/** The files of the one file; names are relative, such as `build/steer.bpf.json`. */
export interface CarriedFiles {
  readonly kind: Exclude<BuildKind, "source">;
  /** The one file itself. */
  readonly executable: string;
  /** Whether this process runs from memory, because no directory fitted. */
  readonly isInMemory: boolean;
  /** The path by which a file can be read; null where it is not carried. */
  path(name: string): string | null;
  /** As `path`, of a shared library that the dynamic linker is to open. */
  library(soname: string): string | null;
  /** What a Worker of one of the program's modules is made of, such as `core_worker`. */
  worker(module: string): string;
}

let carried: CarriedFiles | null = null;

/** To be called once by each thread of the one file, before anything else. */
export function useCarriedFiles(files: CarriedFiles): void {
  carried = files;
  useCarriedLibraries((soname) => files.library(soname));
}

/** What carries this program; null where it runs from source. */
export function carriedFiles(): CarriedFiles | null {
  return carried;
}

export function buildKind(): BuildKind {
  return carried?.kind ?? "source";
}

/** The one file that this program runs from, to start, copy or check it; null: it runs from source. */
export function executable(): string | null {
  return carried?.executable ?? null;
}

/** The path of a file that the one file carries; null where it does not, and where it runs from source. */
export function carriedFile(name: string): string | null {
  return carried?.path(name) ?? null;
}

/** What to make a Worker of instead of its source; null where the program runs from source. */
export function carriedWorker(module: string): string | null {
  return carried?.worker(module) ?? null;
}
