/**
 * Makes a kernel ready to boot and to build for: its packages are downloaded once and unpacked into
 * `.cache/vm/kernels/NAME/tree/`. From then on nothing is asked of the network.
 */
import { PrivateApt } from "./apt.ts";
import { cacheFolder, digest, locked, readIfThere, remove, writeWhole } from "./cache.ts";
import type { KernelSpec } from "./kernels.ts";
import { isKernelPart, newest, type Package } from "./packages.ts";
import { CommandFailure, exists, run, say } from "./process.ts";

/** A kernel that is unpacked. */
export interface Kernel {
  readonly spec: KernelSpec;
  /** As `uname -r` says. */
  readonly release: string;
  /** Changes when what is unpacked does. */
  readonly identity: string;
  /** Root of the unpacked files: `boot/`, `lib/modules/`, `usr/src/`. */
  readonly tree: string;
}

/** What was unpacked, and for what request. */
interface Stamp {
  readonly request: string;
  readonly release: string;
  readonly packages: readonly string[];
}

/** Beside what the headers ask for: what a build calls. */
const buildTools = [
  ...["binutils", "coreutils", "dash", "findutils", "grep", "libc-bin", "make", "mawk", "sed"],
];

/**
 * @param refresh Whether to look for a newer version of a kernel that is there.
 * @throws {CommandFailure} If it is not in the cache and cannot be downloaded.
 */
export function obtain(spec: KernelSpec, refresh = false): Promise<Kernel> {
  return locked(`kernel-${spec.name}`, async () => {
    const folder = `${cacheFolder}/kernels/${spec.name}`;
    const tree = `${folder}/tree`;
    // The tree's own path is written into it; a copied checkout unpacks again.
    const request = await digest(
      "1",
      tree,
      JSON.stringify(spec.suites),
      `${spec.image}`,
      spec.buildRoot === "private" ? buildTools.join() : "",
    );
    const stamp = readStamp(`${folder}/kernel.json`);
    const isThere = stamp?.request === request && exists(imageOf({ tree, release: stamp.release }));
    const current = isThere ? stamp : null;
    const { release, packages } = current !== null && !refresh
      ? current
      : await fetchKernel(spec, folder, request, current);
    return { spec, release, identity: [release, ...packages].join(" "), tree };
  });
}

/** The path of the kernel itself; newer packages keep it beside the modules. */
export function imageOf({ tree, release }: Pick<Kernel, "tree" | "release">): string {
  const paths = [`${tree}/boot/vmlinuz-${release}`, `${tree}/lib/modules/${release}/vmlinuz`];
  return paths.find(exists) ?? paths[0];
}

function readStamp(path: string): Stamp | null {
  const text = readIfThere(path);
  return text === null ? null : JSON.parse(text) as Stamp;
}

async function fetchKernel(
  spec: KernelSpec,
  folder: string,
  request: string,
  current: Stamp | null,
): Promise<Stamp> {
  say(
    `${spec.name}: reading the package lists of ${spec.suites.map((one) => one.name).join(", ")}`,
  );
  const apt = await PrivateApt.at(`${folder}/apt`, spec.suites);
  await apt.update();
  const { release, parts } = choose(spec, await apt.list("linux-"));
  const packages = parts.map((part) => `${part.name}=${part.version}`);
  if (current !== null && packages.join() === current.packages.join()) {
    say(`${spec.name}: ${release} is the newest`);
    return current;
  }
  await remove(`${folder}/kernel.json`);
  say(
    `${spec.name}: downloading Linux ${release}${
      spec.buildRoot === "private" ? " and its compiler" : ""
    }`,
  );
  await dropOthers(apt.archives, packages);
  await apt.download(packages);
  if (spec.buildRoot === "private") {
    await apt.downloadClosure([`linux-headers-${release}`, ...buildTools]);
  }
  say(`${spec.name}: unpacking`);
  await unpack(apt.archives, `${folder}/tree`, release, spec.buildRoot);
  const stamp: Stamp = { request, release, packages };
  writeWhole(`${folder}/kernel.json`, JSON.stringify(stamp));
  return stamp;
}

/** The newest image of this kernel, its headers, and the parts that both consist of. */
export function choose(
  spec: Pick<KernelSpec, "name" | "image">,
  available: readonly Package[],
): { release: string; parts: Package[] } {
  const image = newest(available, spec.image);
  if (image === null) {
    throw new Error(`choosing a kernel for ${spec.name}: no package matches ${spec.image.source}`);
  }
  const release = image.name.replace("linux-image-", "");
  const parts = new Map<string, Package>();
  const add = (name: string, exactly: string | null) => {
    if (parts.has(name)) return;
    const candidates = available.filter((one) =>
      one.name === name && (exactly === null || one.version === exactly)
    );
    const part = newest(candidates, /^/);
    if (part === null) {
      throw new Error(`choosing a kernel for ${spec.name}: ${name}: not available`);
    }
    parts.set(name, part);
    for (const next of part.depends) if (isKernelPart(next.name)) add(next.name, next.exactly);
  };
  add(image.name, image.version);
  add(`linux-headers-${release}`, image.version);
  return { release, parts: [...parts.values()].toSorted((a, b) => a.name < b.name ? -1 : 1) };
}

/** What was downloaded for an earlier choice is not unpacked with this one. */
async function dropOthers(archives: string, packages: readonly string[]): Promise<void> {
  for (const { name } of [...Deno.readDirSync(archives)]) {
    const [packageName, version] = decodeURIComponent(name).split("_");
    const isOther = name.endsWith(".deb") && !packages.includes(`${packageName}=${version}`);
    if (isOther) await Deno.remove(`${archives}/${name}`);
  }
}

async function unpack(
  archives: string,
  tree: string,
  release: string,
  buildRoot: KernelSpec["buildRoot"],
): Promise<void> {
  await remove(tree);
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    await Deno.mkdir(`${tree}/usr/${name}`, { recursive: true });
    await Deno.symlink(`usr/${name}`, `${tree}/${name}`);
  }
  const names = [...Deno.readDirSync(archives)].map((entry) => entry.name);
  for (const name of names.filter((name) => name.endsWith(".deb")).toSorted()) {
    await unpackOne(`${archives}/${name}`, tree);
  }
  if (buildRoot === "host") await relocateHeaders(tree, release);
  else await completeRoot(tree);
  await run("depmod", ["-b", tree, release]);
}

/** As dpkg-deb -x, but links to folders stay links. */
async function unpackOne(archive: string, tree: string): Promise<void> {
  const read = new Deno.Command("dpkg-deb", {
    args: ["--fsys-tarfile", archive],
    stdout: "piped",
  }).spawn();
  const write = new Deno.Command("tar", {
    args: ["-xC", tree, "--keep-directory-symlink", "--warning=no-timestamp"],
    stdin: "piped",
  }).spawn();
  await read.stdout.pipeTo(write.stdin);
  const [{ success: wasRead }, { success: wasWritten }] = [await read.status, await write.status];
  if (!wasRead || !wasWritten) throw new CommandFailure("dpkg-deb", `cannot unpack ${archive}`);
}

/** The headers' Makefile names their common part by the path that an installation would have. */
async function relocateHeaders(tree: string, release: string): Promise<void> {
  const makefile = `${tree}/usr/src/linux-headers-${release}/Makefile`;
  const text = await Deno.readTextFile(makefile);
  await Deno.writeTextFile(makefile, text.replaceAll(" /usr/src/", ` ${tree}/usr/src/`));
}

/** What the packages' own scripts would have made. */
async function completeRoot(tree: string): Promise<void> {
  for (const folder of ["proc", "dev", "tmp", "m"]) {
    await Deno.mkdir(`${tree}/${folder}`, { recursive: true });
  }
  const links = { "usr/bin/awk": "mawk", "usr/bin/sh": "dash" };
  for (const [link, target] of Object.entries(links)) {
    if (!exists(`${tree}/${link}`)) await Deno.symlink(target, `${tree}/${link}`);
  }
}
