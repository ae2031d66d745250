/** A package as the build makes it, but small and with a runtime that only tells how it was started. */
import { run } from "../../../packaging/command.ts";
import { hex } from "../../../packaging/digest.ts";
import { compileLauncher } from "../../../packaging/native_launcher.ts";
import { packageFile } from "../../../packaging/package_file.ts";
import { decodeTrailer, packageRecordBytes } from "../../../lib/package_layout.ts";

/** How long the tests' launcher waits for another start. */
export const lockWaitMs = 3000;

export interface SmallPackage {
  readonly folder: string;
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The folder's name of what it unpacks to. */
  readonly id: string;
}

/** What the runtime of a package told. */
export interface Told {
  readonly code: number;
  readonly stderr: string;
  /** The runtime's own path; null where none was started. */
  readonly exe: string | null;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Some of it is large and repeats, so that unpacking takes a while and packing does not. */
const fillerBytes = 48 << 20;

/** @param marks Makes versions differ: one package for each. The folder is the caller's to remove. */
export async function smallPackages(marks: readonly string[]): Promise<SmallPackage[]> {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "avail-launcher-" });
  await Deno.chmod(folder, 0o755);
  const source = new URL("./fake_runtime.c", import.meta.url).pathname;
  await run("gcc", ["-O1", "-static", "-s", "-Wall", "-Werror", "-o", `${folder}/runtime`, source]);
  await compileLauncher(`${folder}/launcher`, { defines: [`LOCK_WAIT_MS=${lockWaitMs}`] });
  const launcher = await Deno.readFile(`${folder}/launcher`);
  const runtime = await Deno.readFile(`${folder}/runtime`);
  const packages: SmallPackage[] = [];
  for (const mark of marks) {
    const files = [
      { name: "bin/avail", content: runtime },
      { name: "program/avail.js", content: new TextEncoder().encode(`"${mark}";\n`) },
      { name: "program/part.js", content: new Uint8Array() },
      { name: "whole/avail.js", content: new TextEncoder().encode(`"whole ${mark}";\n`) },
      { name: "share/filler", content: filler() },
      { name: "share/none", content: new Uint8Array() },
    ];
    const bytes = new Uint8Array(await packageFile(launcher, files, mark, `${folder}/cache`));
    const path = `${folder}/${mark}`;
    await Deno.writeFile(path, bytes, { mode: 0o755 });
    const trailer = decodeTrailer(bytes.slice(-packageRecordBytes))!;
    packages.push({ folder, path, bytes, id: hex(trailer.sha256.subarray(0, 16)) });
  }
  return packages;
}

/** Runs a command line that ends in a package's start; what the runtime told. */
export async function start(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const { code, stdout, stderr } = await new Deno.Command(argv[0], {
    args: argv.slice(1),
    env,
    clearEnv: true,
    stdin: "null",
  }).output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  const values = (name: string) =>
    lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
  return {
    code,
    stderr: new TextDecoder().decode(stderr),
    exe: values("exe")[0] ?? null,
    args: values("arg"),
    env: Object.fromEntries(
      values("env").map((entry) => {
        const at = entry.indexOf("=");
        return [entry.slice(0, at), entry.slice(at + 1)];
      }),
    ),
  };
}

/** All paths below a folder that are no folders, sorted; empty where it is missing. */
export function filesBelow(folder: string, below = ""): string[] {
  try {
    return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
      isDirectory ? filesBelow(`${folder}/${name}`, `${below}${name}/`) : [below + name]
    ).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function filler(): Uint8Array {
  const bytes = new Uint8Array(fillerBytes);
  const words = new Uint32Array(bytes.buffer);
  let word = 1;
  for (let i = 0; i < words.length; i++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    words[i] = i % 1024 === 0 ? word : words[i - 1];
  }
  return bytes;
}
