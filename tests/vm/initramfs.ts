/** Packs the guest's file system: tools of this system, modules of the kernel, and given files. */
import { cacheFolder, digest, locked, readIfThere, remove, writeWhole } from "./cache.ts";
import { type Entry, packCpio } from "./cpio.ts";
import type { Kernel } from "./obtain.ts";
import { exists, run, say, which } from "./process.ts";

export interface Contents {
  /** Names of kernel modules; those that this kernel does not have are left out. */
  readonly modules: readonly string[];
  /** Modules that were built for this kernel (.ko); the guest finds them by name and alias. */
  readonly builtModules: readonly string[];
  /** Files and folders of this system, by their absolute paths in the guest. */
  readonly files: Readonly<Record<string, string>>;
}

/** Beside busybox; where both have a name, these count. */
const tools = ["dash", "ip", "bridge", "tc", "nft", "conntrack", "xtables-legacy-multi", "kmod"];
const links: Readonly<Record<string, string>> = {
  "init": "test/init.sh",
  "bin": "usr/bin",
  "sbin": "usr/sbin",
  "lib": "usr/lib",
  "lib64": "usr/lib64",
  // Not busybox's: it prefers its own applets to what PATH says.
  "usr/bin/sh": "dash",
  "usr/bin/modprobe": "kmod",
  "usr/sbin/modprobe": "../bin/kmod",
  "usr/bin/depmod": "kmod",
  "usr/bin/lsmod": "kmod",
  "usr/bin/insmod": "kmod",
  "usr/bin/rmmod": "kmod",
  "usr/bin/modinfo": "kmod",
  "usr/bin/iptables": "xtables-legacy-multi",
  "usr/bin/ip6tables": "xtables-legacy-multi",
};
const folders = ["proc", "sys", "dev", "run", "tmp", "root", "etc", "var", "usr/sbin", "usr/lib64"];
const extensionFolder = "/usr/lib/x86_64-linux-gnu/xtables";

/**
 * @param label Names the archive among those of this kernel; it is packed anew only if something
 * that goes into it has changed.
 * @returns The path of the archive.
 */
export function packInitramfs(kernel: Kernel, label: string, contents: Contents): Promise<string> {
  return locked(`initramfs-${kernel.spec.name}`, async () => {
    const archive = `${cacheFolder}/initramfs/${kernel.spec.name}-${label}.cpio.gz`;
    const files = await allFiles(contents);
    const stamp = await digest(
      ...["3", kernel.identity, JSON.stringify(contents.modules)],
      ...[...files].map(([to, from]) => `${to} ${identityOf(from)}`),
      ...contents.builtModules.map(identityOf),
    );
    if (exists(archive) && readIfThere(`${archive}.stamp`) === stamp) return archive;
    say(`${kernel.spec.name}: packing the guest's files for ${label}`);
    await Deno.mkdir(`${cacheFolder}/initramfs`, { recursive: true });
    const entries = [
      ...folders.map((path): Entry => ({ kind: "folder", path, mode: 0o755 })),
      ...Object.entries(links).map(([path, target]): Entry => ({ kind: "link", path, target })),
      ...readFiles(files),
      ...await readModules(kernel, contents),
      ...await applets(),
    ];
    writeWhole(archive, await compress(packCpio(entries)));
    writeWhole(`${archive}.stamp`, stamp);
    return archive;
  });
}

/** Changes when a file does. */
function identityOf(path: string): string {
  const { size, mtime, ino } = Deno.statSync(path);
  return `${path} ${size} ${ino} ${mtime?.getTime()}`;
}

/** All files by their paths in the guest, with the libraries that programs among them need. */
async function allFiles(contents: Contents): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const add = (to: string, from: string) => files.set(merged(to), from);
  for (const tool of ["busybox", ...tools]) {
    const path = which(tool);
    if (path === null) throw new Error(`packing the guest's files: ${tool}: not installed`);
    add(`/usr/bin/${tool}`, path);
  }
  for (const extension of xtablesExtensions()) {
    add(`${extensionFolder}/${extension}`, `${extensionFolder}/${extension}`);
  }
  for (const [to, from] of Object.entries(contents.files)) {
    for (const path of walk(from)) add(to + path.slice(from.length), path);
  }
  for (const program of [...files.values()].filter(isProgram)) {
    for (const library of await librariesOf(program)) add(library, library);
  }
  return files;
}

function xtablesExtensions(): string[] {
  if (!exists(extensionFolder)) return [];
  return [...Deno.readDirSync(extensionFolder)].map((entry) => entry.name)
    .filter((name) => /^lib(xt|ipt|ip6t)_\w+\.so$/.test(name)).toSorted();
}

/** A path where /bin, /sbin, /lib and /lib64 are links into /usr; relative. */
function merged(path: string): string {
  return path.replace(/^\/(?=(bin|sbin|lib|lib64)\/)/, "/usr/").slice(1);
}

function* walk(path: string): Generator<string> {
  if (!Deno.statSync(path).isDirectory) return yield path;
  const names = [...Deno.readDirSync(path)].map((entry) => entry.name).toSorted();
  for (const name of names) yield* walk(`${path}/${name}`);
}

function isProgram(path: string): boolean {
  using file = Deno.openSync(path);
  const magic = new Uint8Array(4);
  file.readSync(magic);
  return new TextDecoder().decode(magic) === "\x7fELF" && !path.endsWith(".ko");
}

const knownLibraries = new Map<string, string[]>();

async function librariesOf(program: string): Promise<string[]> {
  const known = knownLibraries.get(program);
  if (known !== undefined) return known;
  const { stdout } = await new Deno.Command("ldd", { args: [program], stderr: "null" }).output();
  const text = new TextDecoder().decode(stdout);
  const libraries = [...text.matchAll(/(?:=>|^)\s*(\/\S+)/gm)].map((match) => match[1]);
  knownLibraries.set(program, libraries);
  return libraries;
}

function* readFiles(files: ReadonlyMap<string, string>): Generator<Entry> {
  for (const [path, from] of files) {
    // All may be run: a checkout need not keep the scripts' modes.
    yield { kind: "file", path, mode: 0o755, bytes: Deno.readFileSync(from) };
  }
}

async function applets(): Promise<Entry[]> {
  const { out } = await run("busybox", ["--list"]);
  const taken = new Set([...tools, ...Object.keys(links).map((path) => path.replace(/.*\//, ""))]);
  return out.split("\n").filter((name) => name !== "" && name !== "busybox" && !taken.has(name))
    .map((name) => ({ kind: "link", path: `usr/bin/${name}`, target: "busybox" }));
}

/** The modules with what they depend on, and the indices that modprobe reads. */
async function readModules(kernel: Kernel, contents: Contents): Promise<Entry[]> {
  const source = `${kernel.tree}/lib/modules/${kernel.release}`;
  const root = await Deno.makeTempDir({ dir: cacheFolder });
  try {
    const stage = `${root}/lib/modules/${kernel.release}`;
    await Deno.mkdir(stage, { recursive: true });
    for (const name of ["modules.order", "modules.builtin", "modules.builtin.modinfo"]) {
      if (exists(`${source}/${name}`)) await Deno.copyFile(`${source}/${name}`, `${stage}/${name}`);
    }
    const dependencies = readDependencies(await Deno.readTextFile(`${source}/modules.dep`));
    const paths = closure(dependencies, contents.modules);
    for (const path of paths) {
      const to = `${stage}/${path.replace(/\.(xz|zst|gz)$/, "")}`;
      await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
      await Deno.writeFile(to, await readModule(`${source}/${path}`));
    }
    await Deno.mkdir(`${stage}/updates`);
    for (const path of contents.builtModules) {
      await Deno.copyFile(path, `${stage}/updates/${path.slice(path.lastIndexOf("/") + 1)}`);
    }
    await run("depmod", ["-b", root, kernel.release]);
    return [...walk(root)].map((path) => ({
      kind: "file",
      path: merged(path.slice(root.length)),
      mode: 0o644,
      bytes: Deno.readFileSync(path),
    }));
  } finally {
    await remove(root);
  }
}

/** From `modules.dep`: a module's path, and the paths of all that it needs. */
export function readDependencies(text: string): Map<string, readonly string[]> {
  const dependencies = new Map<string, readonly string[]>();
  for (const line of text.split("\n")) {
    const [path, needed] = line.split(":");
    if (needed !== undefined) dependencies.set(path, needed.split(" ").filter(Boolean));
  }
  return dependencies;
}

/** The paths of the named modules and of what they need. Unknown names are left out. */
export function closure(
  dependencies: ReadonlyMap<string, readonly string[]>,
  names: readonly string[],
): string[] {
  const wanted = new Set(names.map(moduleName));
  const paths = [...dependencies].filter(([path]) => wanted.has(moduleName(path)))
    .flatMap(([path, needed]) => [path, ...needed]);
  return [...new Set(paths)].toSorted();
}

/** `-` and `_` are one letter in names of modules. */
function moduleName(path: string): string {
  return path.replace(/.*\//, "").replace(/\.ko(\.\w+)?$/, "").replaceAll("-", "_");
}

const decompressors: Readonly<Record<string, string>> = { xz: "xz", zst: "zstd", gz: "gzip" };

async function readModule(path: string): Promise<Uint8Array> {
  const decompressor = decompressors[path.slice(path.lastIndexOf(".") + 1)];
  if (decompressor === undefined) return await Deno.readFile(path);
  const { success, stdout } = await new Deno.Command(decompressor, { args: ["-dc", path] })
    .output();
  if (!success) throw new Error(`unpacking ${path}: ${decompressor} failed`);
  return stdout;
}

async function compress(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const child = new Deno.Command("gzip", { args: ["-1", "-n"], stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(bytes).then(() => writer.close());
  const { success, stdout } = await child.output();
  await written;
  if (!success) throw new Error("packing the guest's files: gzip failed");
  return stdout;
}
