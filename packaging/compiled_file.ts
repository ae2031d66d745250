/**
 * The one file by `deno compile`, where its runtime without tools (denort) is at hand: named by
 * DENORT_BIN, or in Deno's cache, where a former `deno compile` has put it.
 */
import { run } from "./command.ts";
import { type CarriedContent, runtimeName } from "./package_file.ts";

/** Where Deno looks for denort before it downloads it; null: it would have to. */
export function denortAtHand(
  env: (name: string) => string | undefined,
  denoVersion: string,
): string | null {
  const cache = env("DENO_DIR") ?? `${env("XDG_CACHE_HOME") ?? `${env("HOME")}/.cache`}/deno`;
  const zip = `${cache}/dl/release/v${denoVersion}/denort-${Deno.build.target}.zip`;
  return [env("DENORT_BIN"), zip].find((path) => path !== undefined && isFile(path)) ?? null;
}

/** @param scratch A folder for this build alone; the result is a file in it. */
export async function compileFile(
  files: readonly CarriedContent[],
  scratch: string,
): Promise<Uint8Array> {
  const stage = `${scratch}/compile`;
  const carried = files.filter(({ name }) => name !== runtimeName);
  for (const { name, content } of carried) {
    await Deno.mkdir(`${stage}/${name.slice(0, name.lastIndexOf("/"))}`, { recursive: true });
    await Deno.writeFile(`${stage}/${name}`, content);
  }
  const folders = [...new Set(carried.map(({ name }) => name.slice(0, name.indexOf("/"))))].sort();
  await run(Deno.execPath(), [
    ...["compile", "--quiet", "--allow-all", "--no-config", "--no-lock", "--no-npm"],
    ...["--no-code-cache", ...folders.flatMap((folder) => ["--include", folder])],
    ...["--output", `${scratch}/avail`, "program/avail.js"],
  ], { cwd: stage });
  return await Deno.readFile(`${scratch}/avail`);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
