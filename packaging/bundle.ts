/**
 * The program as JavaScript, in two shapes. Split, it is read in parts when they are needed: that is
 * how it starts quickly. Whole, it is one file without a place, for where there are no directories,
 * and for the core's thread.
 */
import { withStableNames } from "./chunk_names.ts";
import { run } from "./command.ts";

const root = new URL("../", import.meta.url).pathname;

/** A package of npm that is part of the program. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** Its folder on this machine. */
  readonly folder: string;
}

export interface Bundle {
  /** Texts by the names that they have in the one file. */
  readonly files: ReadonlyMap<string, string>;
  readonly packages: readonly BundledPackage[];
}

/** @param scratch A folder for this build alone. */
export async function bundle(scratch: string): Promise<Bundle> {
  await build("avail", ["--code-splitting", "--outdir", `${scratch}/program`]);
  await build("avail", ["--output", `${scratch}/whole/avail.js`]);
  await build("core_worker", ["--output", `${scratch}/whole/core_worker.js`]);
  const files = new Map<string, string>();
  const packages = new Map<string, BundledPackage>();
  for (const folder of ["program", "whole"]) {
    const texts = new Map<string, string>();
    const names = [...Deno.readDirSync(`${scratch}/${folder}`)].map(({ name }) => name).sort();
    for (const name of names) {
      const text = await Deno.readTextFile(`${scratch}/${folder}/${name}`);
      for (const found of packagesIn(text, root)) packages.set(found.folder, found);
      texts.set(name, withoutPlaces(text));
    }
    for (const [name, text] of withStableNames(texts)) {
      files.set(`${folder}/${name}`, withLatePartsUnread(text));
    }
  }
  const byName = [...packages.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  return { files, packages: byName };
}

async function build(module: string, how: readonly string[]): Promise<void> {
  const args = ["bundle", "--quiet", "--platform", "deno", "--frozen-lockfile", ...how];
  await run(Deno.execPath(), [...args, `packaging/program/${module}.ts`], { cwd: root });
}

/** The bundler writes above each module where it was found: `// ../home/…/npm/HOST/NAME/VERSION/…`. */
const place = /^( *)\/\/ (\S*\/npm\/[^/\s]+\/)((?:@[^/\s]+\/)?[^/\s]+)\/(\d[^/\s]*)\/(\S+)$/gm;

/** The same in front of a module that is made late: `"../home/…/dist/index.js"() {`. */
const latePlace =
  /^( *)"[^"\s]*\/npm\/[^/\s]+\/((?:@[^/\s]+\/)?[^/\s]+)\/(\d[^/\s]*)\/([^"\s]+)"\(\) \{$/gm;

/** The packages whose modules are in a bundle that was made in folder `from`. */
export function packagesIn(text: string, from: string): BundledPackage[] {
  return [...text.matchAll(place)].map(([, , registry, name, version]) => ({
    name,
    version,
    folder: new URL(`${registry}${name}/${version}`, `file://${from}`).pathname,
  }));
}

/** The same bundle, wherever it was made. */
export function withoutPlaces(text: string): string {
  return text.replace(place, "$1// npm:$3@$4/$5").replace(latePlace, '$1"npm:$2@$3/$4"() {');
}

/**
 * What is imported late is not looked at before. The runtime reads every module at the start that
 * it can see in an `import()`, and half of the program's start-up would be that.
 */
export function withLatePartsUnread(text: string): string {
  return text.replace(/\bimport\(("\.\/[\w.-]+\.js")\)/g, "import(import.meta.resolve($1))");
}
