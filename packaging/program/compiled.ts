/**
 * The files of the one file when `deno compile` made it. The runtime reads them out of itself, which
 * the dynamic linker cannot: libraries go through memory, and nothing is ever written to a disk.
 */
import { memoryFile } from "../../ffi/memory_file.ts";
import type { CarriedFiles } from "../../lib/host/program_files.ts";

/** @param program URL of the program inside the runtime, one folder below the files' root. */
export function compiledFiles(program: string, executable: string): CarriedFiles {
  const opened = new Map<string, string>();
  const path = (name: string) => {
    const file = decodeURIComponent(new URL(`../${name}`, program).pathname);
    try {
      return Deno.statSync(file).isFile ? file : null;
    } catch {
      return null;
    }
  };
  return {
    kind: "compiled",
    executable,
    isInMemory: false,
    path,
    library(soname) {
      const known = opened.get(soname);
      if (known !== undefined) return known;
      const inside = path(`libraries/${soname}`);
      if (inside === null) return null;
      const file = memoryFile(soname, Deno.readFileSync(inside));
      opened.set(soname, file);
      return file;
    },
    worker: (module) => new URL(`../whole/${module}.js`, program).href,
  };
}
