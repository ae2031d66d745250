/**
 * The project's programs for the guest: the runtime, what it loads, and bundles. Finding, translating
 * and reading all of the project's modules is what an emulator would spend most of its time with.
 */
import { cacheFolder, locked, readIfThere, remove, root, writeWhole } from "./cache.ts";
import { exists, run, which } from "./process.ts";

/** Loaded by name at run time, so no program says that it needs them. */
const libraries = ["libmnl.so.0", "libnetfilter_conntrack.so.3", "libnfnetlink.so.0"];
const libraryFolder = "/usr/lib/x86_64-linux-gnu";

/** What every program of the project needs, by its path in the guest. */
export function denoFiles(): Record<string, string> {
  const found = libraries.map((name) => `${libraryFolder}/${name}`);
  const missing = found.find((path) => !exists(path));
  if (missing !== undefined) {
    throw new Error(`packing the guest's files: ${missing}: not installed`);
  }
  return {
    "/usr/bin/deno": Deno.execPath(),
    ...Object.fromEntries(found.map((path) => [path, path])),
  };
}

/** Programs of this system by their paths in the guest, where they hide busybox's of that name. */
export function systemTools(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => {
    const path = which(name);
    if (path === null) throw new Error(`packing the guest's files: ${name}: not installed`);
    return [`/usr/bin/${name}`, path];
  }));
}

/**
 * Bundles modules of the project, each with all that it imports; what it imports late stays apart, so
 * that a program reads only what it needs. What comes out as before keeps its file, so that nothing is
 * packed anew.
 * @param modules Their paths in the project, by the bundles' paths in the guest: a bundle has the name
 * of its module and ends in `.js`. What a module finds beside itself (`import.meta.url`) it looks for
 * beside the bundle, as a bundle.
 * @returns The files' paths, by their paths in the guest.
 */
export function bundle(modules: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  return locked("bundles", async () => {
    const files: Record<string, string> = {};
    for (const [path, module] of Object.entries(modules)) {
      const folder = path.slice(0, path.lastIndexOf("/"));
      for (const [name, file] of Object.entries(await bundleOne(module))) {
        files[`${folder}/${name}`] = file;
      }
    }
    return files;
  });
}

async function bundleOne(module: string): Promise<Record<string, string>> {
  const folder = `${cacheFolder}/bundles/${module.replaceAll("/", "-").replace(/\.ts$/, "")}`;
  await Deno.mkdir(folder, { recursive: true });
  const fresh = await Deno.makeTempDir({ dir: cacheFolder });
  try {
    const how = ["bundle", "--quiet", "--code-splitting", "--outdir", fresh];
    await run(Deno.execPath(), [...how, module], { cwd: root });
    const names = [...Deno.readDirSync(fresh)].map((entry) => entry.name).toSorted();
    for (const name of names) {
      const text = bundled(await Deno.readTextFile(`${fresh}/${name}`));
      if (readIfThere(`${folder}/${name}`) !== text) writeWhole(`${folder}/${name}`, text);
    }
    for (const { name } of [...Deno.readDirSync(folder)]) {
      if (!names.includes(name)) await remove(`${folder}/${name}`);
    }
    return Object.fromEntries(names.map((name) => [name, `${folder}/${name}`]));
  } finally {
    await remove(fresh);
  }
}

/** A bundle stands for its source: modules that it names are bundles, too. */
function bundled(text: string): string {
  return text
    .replaceAll(/(new URL\("\.[^"]+)\.ts(", import\.meta\.url\))/g, "$1.js$2")
    .replaceAll('import.meta.url.endsWith(".ts")', 'import.meta.url.endsWith(".js")');
}
