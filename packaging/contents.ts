/** All that the one file carries beside the runtime. */
import { version } from "../lib/version.ts";
import type { PackedObject } from "../lib/host/bpf_object.ts";
import type { PackedSource } from "../lib/host/kernel_module/source.ts";
import { bundle } from "./bundle.ts";
import { run } from "./command.ts";
import {
  bundledComponent,
  carriedLibraries,
  type Component,
  libraryComponents,
  linkedComponents,
  runtimeComponents,
} from "./components.ts";
import { hex, sha256 } from "./digest.ts";
import { type CarriedContent, runtimeName } from "./package_file.ts";
import { type Sbom, sbomOf } from "./sbom.ts";

const root = new URL("../", import.meta.url).pathname;

/** The names under which the one file has what is in it (lib/host/verify_program.ts, build_info.ts). */
export const sumsName = "share/SHA256SUMS";
export const sbomName = "share/avail.cdx.json";
export const licencesName = "share/licences.txt";

export interface Contents {
  /** With the runtime. */
  readonly files: readonly CarriedContent[];
  readonly sbom: Sbom;
}

/** @param scratch A folder for this build alone. */
export async function gatherContents(scratch: string): Promise<Contents> {
  const { files: modules, packages } = await bundle(scratch);
  const data = ["build/steer.bpf.json", "build/clusterdev.json"];
  const files: CarriedContent[] = [
    { name: runtimeName, content: await Deno.readFile(Deno.execPath()) },
    ...[...modules].map(([name, text]) => ({ name, content: bytesOf(text) })),
    ...await Promise.all(
      data.map(async (name) => ({ name, content: await Deno.readFile(root + name) })),
    ),
    ...await Promise.all(carriedLibraries.map(async ({ soname }) => ({
      name: `libraries/${soname}`,
      content: await Deno.readFile(await libraryPath(soname)),
    }))),
  ];
  const components = [
    ...await runtimeComponents(),
    ...await libraryComponents(),
    ...await linkedComponents(),
    ...await Promise.all(packages.map(bundledComponent)),
  ];
  files.push({ name: licencesName, content: bytesOf(await licencesOf(components)) });
  const bpf: PackedObject = JSON.parse(await Deno.readTextFile(root + data[0]));
  const module: PackedSource = JSON.parse(await Deno.readTextFile(root + data[1]));
  const own = [
    { name: "BPF programs", version: bpf.build, file: data[0] },
    { name: "clusterdev source", version: module.version, file: data[1] },
  ];
  const sbom = sbomOf(version, components, own, files);
  files.push({ name: sbomName, content: bytesOf(JSON.stringify(sbom, null, 2) + "\n") });
  files.push({ name: sumsName, content: bytesOf(sumsOf(files)) });
  return { files, sbom };
}

/** Where the dynamic linker of this machine has a library. */
async function libraryPath(soname: string): Promise<string> {
  const cache = await run("/sbin/ldconfig", ["-p"]);
  for (const line of cache.split("\n")) {
    const found = /^\s*(\S+) \(([^)]*)\) => (\S+)$/.exec(line);
    if (found?.[1] === soname && found[2].includes("x86-64")) return found[3];
  }
  throw new Error(`find ${soname}: ldconfig knows none; ./dev setup installs it`);
}

/** Every licence, once for each component, avail's own first. */
async function licencesOf(components: readonly Component[]): Promise<string> {
  const own = await Deno.readTextFile(`${root}LICENSE`);
  const texts = components.map(({ name, version, licence, licenceText }) => [
    `${name} ${version} (${licence})`,
    licenceText,
  ]);
  return [[`avail ${version} (GPL-2.0-or-later)`, own], ...texts]
    .map(([head, text]) => `${"=".repeat(78)}\n${head}\n${"=".repeat(78)}\n\n${text.trim()}\n`)
    .join("\n");
}

/** As sha256sum(1) writes them; of all but the runtime, which `deno compile` has in another form. */
function sumsOf(files: readonly CarriedContent[]): string {
  return files.filter(({ name }) => name !== runtimeName)
    .toSorted((a, b) => a.name < b.name ? -1 : 1)
    .map(({ name, content }) => `${hex(sha256(content))}  ${name}\n`).join("");
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
