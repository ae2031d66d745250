/** What is in the one file and was not written here: versions, licences, and where each came from. */
import type { BundledPackage } from "./bundle.ts";
import { run } from "./command.ts";

export interface Component {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly licence: string;
  /** What stands in its licence files, whole. */
  readonly licenceText: string;
  /** Package URL (purl). */
  readonly purl: string;
  /** What it is for, in a sentence. */
  readonly role: string;
  /** Names of the carried files that it is, where it is files. */
  readonly files: readonly string[];
}

/** A library of this machine that the one file carries. */
export interface CarriedLibrary {
  readonly soname: string;
  readonly package: string;
  readonly licence: string;
}

export const carriedLibraries: readonly CarriedLibrary[] = [
  { soname: "libmnl.so.0", package: "libmnl0", licence: "LGPL-2.1-or-later" },
  { soname: "libnfnetlink.so.0", package: "libnfnetlink0", licence: "GPL-2.0-or-later" },
  {
    soname: "libnetfilter_conntrack.so.3",
    package: "libnetfilter-conntrack3",
    licence: "GPL-2.0-or-later",
  },
];

/** What is linked into the launcher. */
const linked = [
  { name: "zstd", package: "libzstd-dev", licence: "BSD-3-Clause OR GPL-2.0-only" },
  { name: "glibc", package: "libc6-dev", licence: "LGPL-2.1-or-later" },
  {
    name: "libgcc",
    package: "libgcc-s1",
    licence: "GPL-3.0-or-later WITH GCC-exception-3.1",
  },
];

export async function libraryComponents(): Promise<Component[]> {
  return await Promise.all(carriedLibraries.map(async (library) => ({
    ...await debianComponent(library.package, library.licence),
    name: library.soname.slice(0, library.soname.indexOf(".so")),
    role: "shared library, opened by the program",
    files: [`libraries/${library.soname}`],
  })));
}

export async function linkedComponents(): Promise<Component[]> {
  return await Promise.all(linked.map(async (part) => ({
    ...await debianComponent(part.package, part.licence),
    name: part.name,
    role: "linked into the launcher",
    files: [],
  })));
}

async function debianComponent(
  name: string,
  licence: string,
): Promise<Omit<Component, "name" | "role" | "files">> {
  const version = (await run("dpkg-query", ["-W", "-f", "${Version}", name])).trim();
  const distribution = /^ID="?(\w+)/m.exec(await Deno.readTextFile("/etc/os-release"))?.[1];
  return {
    version,
    licence,
    licenceText: await Deno.readTextFile(`/usr/share/doc/${name}/copyright`),
    purl: `pkg:deb/${distribution ?? "debian"}/${name}@${encodeURIComponent(version)}`,
  };
}

/** A package of npm whose modules are in the program. */
export async function bundledComponent(found: BundledPackage): Promise<Component> {
  const about = JSON.parse(await Deno.readTextFile(`${found.folder}/package.json`));
  if (typeof about.license !== "string") {
    throw new Error(`licence of npm package ${found.name}: package.json names none`);
  }
  return {
    name: found.name,
    version: found.version,
    licence: about.license,
    licenceText: await licenceFile(found.folder, about.license),
    purl: `pkg:npm/${found.name.replace("@", "%40")}@${found.version}`,
    role: "part of the program",
    files: [],
  };
}

/** The package's own text, or else the licence as this system has it. */
async function licenceFile(folder: string, licence: string): Promise<string> {
  const own = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .find((name) => /^(licen[cs]e|copying)(\.\w+)?$/i.test(name));
  return await Deno.readTextFile(
    own === undefined ? `/usr/share/common-licenses/${licence}` : `${folder}/${own}`,
  );
}

/** The runtime; its own parts are named as far as it tells them. */
export async function runtimeComponents(): Promise<Component[]> {
  const { deno, v8, typescript } = Deno.version;
  const text = await Deno.readTextFile(new URL("licences/deno.txt", import.meta.url));
  const part = { licenceText: text, role: "part of deno", files: [] };
  return [
    {
      name: "deno",
      version: deno,
      licence: "MIT",
      licenceText: text,
      purl: `pkg:npm/deno@${deno}`,
      role: "runtime",
      files: ["bin/avail"],
    },
    {
      ...part,
      name: "v8",
      version: v8,
      licence: "BSD-3-Clause",
      purl: `pkg:generic/v8@${v8}`,
    },
    {
      ...part,
      name: "typescript",
      version: typescript,
      licence: "Apache-2.0",
      purl: `pkg:npm/typescript@${typescript}`,
    },
  ];
}
