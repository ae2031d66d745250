/**
 * Packs the module's source into build/clusterdev.json, so that the program can build the module where
 * there is no checkout: `deno run -A kmod/clusterdev/pack.ts`.
 */
import { createHash } from "node:crypto";
import { version as projectVersion } from "../../lib/version.ts";
import type { PackedSource } from "../../lib/host/kernel_module/source.ts";

const here = import.meta.dirname!;

/** What stands in dkms.conf for the version. */
const placeholder = "@VERSION@";
/** Included by the module where it is there; a build from the checkout does without. */
const versionHeader = "clusterdev_version.h";

/** Of the module's own folder and of the shared headers' folder, the files that a build needs. */
export function packSource(own = here, shared = `${here}/..`): PackedSource {
  const files: Record<string, string> = {};
  const take = (folder: string, wanted: RegExp) => {
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      if (!isFile || !wanted.test(name) || name.endsWith(".mod.c")) continue;
      if (name in files) throw new Error(`pack ${name}: there are two files of this name`);
      files[name] = Deno.readTextFileSync(`${folder}/${name}`);
    }
  };
  take(own, /^(Kbuild|dkms\.conf|\w[\w.-]*\.[ch])$/);
  take(shared, /^\w[\w.-]*\.h$/);
  for (const name of ["Kbuild", "dkms.conf"]) {
    if (!(name in files)) throw new Error(`pack ${own}: ${name} is not there`);
  }
  if (!files["dkms.conf"].includes(placeholder)) {
    throw new Error(`pack ${own}/dkms.conf: ${placeholder} is not in it`);
  }
  if (versionHeader in files) throw new Error(`pack ${versionHeader}: this file is made here`);

  const sorted = Object.keys(files).sort().map((name) => [name, files[name]] as const);
  const digest = createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
  const version = `${projectVersion}-${digest.slice(0, 8)}`;
  return {
    format: 1,
    version,
    digest,
    files: {
      ...Object.fromEntries(sorted),
      "dkms.conf": files["dkms.conf"].replaceAll(placeholder, version),
      [versionHeader]: `#define CLUSTERDEV_VERSION "${version}"\n`,
    },
  };
}

if (import.meta.main) {
  const build = `${here}/../../build`;
  Deno.mkdirSync(build, { recursive: true });
  // Replaced whole, so that a program that starts meanwhile reads the old one or the new one.
  Deno.writeTextFileSync(`${build}/clusterdev.json.new`, JSON.stringify(packSource()));
  Deno.renameSync(`${build}/clusterdev.json.new`, `${build}/clusterdev.json`);
}
