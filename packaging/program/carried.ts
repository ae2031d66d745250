/** Where the files are that the one file carries: its launcher (packaging/launcher/start.c) says. */
import { AvailError } from "../../lib/errors.ts";
import type { CarriedFiles } from "../../lib/host/program_files.ts";
import { compiledFiles } from "./compiled.ts";

/** Of this thread; all threads of a process are told the same. */
export function carried(): CarriedFiles {
  if (Deno.build.standalone) return compiledFiles(import.meta.url, Deno.execPath());
  const executable = Deno.env.get("AVAIL_EXECUTABLE");
  if (executable === undefined) {
    throw new AvailError("start: AVAIL_EXECUTABLE is not set; this is started by the file avail");
  }
  const inMemory = Deno.env.get("AVAIL_FILES");
  return inMemory === undefined
    ? unpackedFiles(import.meta.url, executable)
    : filesInMemory(inMemory, executable);
}

/** @param program URL of the program, one folder below the files' root. */
export function unpackedFiles(program: string, executable: string): CarriedFiles {
  const path = (name: string) => {
    const file = decodeURIComponent(new URL(`../${name}`, program).pathname);
    return isFile(file) ? file : null;
  };
  return {
    kind: "launcher",
    executable,
    isInMemory: false,
    path,
    library: (soname) => path(`libraries/${soname}`),
    worker: (module) => new URL(`../whole/${module}.js`, program).href,
  };
}

/** @param list `NAME=DESCRIPTOR:NAME=DESCRIPTOR`. */
export function filesInMemory(list: string, executable: string): CarriedFiles {
  const descriptors = new Map(
    list.split(":").map((entry) => {
      const at = entry.lastIndexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)] as const;
    }),
  );
  const path = (name: string) => {
    const descriptor = descriptors.get(name);
    return descriptor === undefined ? null : `/proc/self/fd/${descriptor}`;
  };
  return {
    kind: "launcher",
    executable,
    isInMemory: true,
    path,
    library: (soname) => path(`libraries/${soname}`),
    // A path without an ending would not be taken for JavaScript.
    worker(module) {
      const text = Deno.readTextFileSync(path(`whole/${module}.js`) ?? module);
      return URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    },
  };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
