/** C programs for the guest: compiled on this system, static, so that they run on any kernel. */
import { cacheFolder, digest, locked, readIfThere, root, writeWhole } from "./cache.ts";
import { exists, run } from "./process.ts";

const flags = ["-static", "-O2", "-Wall", "-Wextra", "-Werror"];
const includes = [`${root}kmod`, `${root}kmod/clusterdev`];

/**
 * Compiles `PATH.c`, or all C files of the folder PATH. They may include the headers of kmod/ and
 * kmod/clusterdev/.
 * @returns The path of the program.
 * @throws {CommandFailure} With the compiler's words.
 */
export function buildProgram(path: string): Promise<string> {
  const name = path.replace(/.*\//, "");
  const folders = exists(path) ? [path, ...includes] : includes;
  const sources = exists(path) ? filesIn([path], ".c") : [`${path}.c`];
  return locked("programs", async () => {
    const folder = `${cacheFolder}/programs`;
    const program = `${folder}/${name}`;
    const stamp = await digest(
      ...[...sources, ...flags],
      ...[...sources, ...filesIn(folders, ".h")].map(read),
    );
    if (exists(program) && readIfThere(`${program}.stamp`) === stamp) return program;
    await Deno.mkdir(folder, { recursive: true });
    const included = includes.flatMap((path) => ["-I", path]);
    await run("gcc", [...flags, ...included, "-o", `${program}.new`, ...sources]);
    await Deno.rename(`${program}.new`, program);
    writeWhole(`${program}.stamp`, stamp);
    return program;
  });
}

function filesIn(folders: readonly string[], ending: string): string[] {
  return folders.flatMap((folder) =>
    [...Deno.readDirSync(folder)].filter((entry) => entry.name.endsWith(ending))
      .map((entry) => `${folder}/${entry.name}`).toSorted()
  );
}

function read(path: string): Uint8Array {
  return Deno.readFileSync(path);
}
