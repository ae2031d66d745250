/** A system made up in a folder: a Debian with a running kernel, its headers, and tools that are scripts. */

/** Text of a file; a symbolic link; an executable script; null: take it away. */
export type FakeFile =
  | string
  | Uint8Array
  | { readonly link: string }
  | { readonly script: string }
  | null;

export const release = "6.1.0-9-amd64";

/** With it, the module can be built and loaded. */
const sound: Readonly<Record<string, FakeFile>> = {
  "/proc/sys/kernel/osrelease": `${release}\n`,
  "/proc/sys/kernel/modules_disabled": "0\n",
  "/proc/modules": "",
  "/proc/version": `Linux version ${release} (debian-kernel@lists.debian.org) ` +
    "(gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP\n",
  "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
  [`/lib/modules/${release}/modules.dep`]: "kernel/drivers/net/veth.ko:\n",
  [`/lib/modules/${release}/build`]: { link: `/usr/src/linux-headers-${release}` },
  [`/usr/src/linux-headers-${release}/Makefile`]: "",
  [`/usr/src/linux-headers-${release}/.config`]: "CONFIG_MODULES=y\nCONFIG_GCC_VERSION=120200\n",
  "/usr/bin/gcc-12": compiler("gcc version 12.2.0 (Debian 12.2.0-14)"),
  "/usr/bin/make": { script: "exit 0" },
  "/usr/sbin/depmod": { script: "exit 0" },
};

/** A program that says of itself what gcc and clang say. */
export function compiler(banner: string): FakeFile {
  return { script: `echo "${banner}" >&2` };
}

/** The strings of a module's file that are looked at, between bytes that are not. */
export function moduleFile(version: string, kernel: string, end = ""): string {
  return `\x7fELF\0license=GPL\0version=${version}\0srcversion=ABC\0` +
    `vermagic=${kernel} SMP preempt mod_unload \0\x01${end}`;
}

/** Makes the sound system with some files changed, and takes it away after `body`. */
export async function withSystem<T>(
  changes: Readonly<Record<string, FakeFile>>,
  body: (root: string) => T | Promise<T>,
): Promise<T> {
  const root = Deno.makeTempDirSync({ prefix: "avail_kmod_" });
  try {
    for (const [path, file] of Object.entries({ ...sound, ...changes })) {
      if (file !== null) write(root + path, file);
    }
    return await body(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

export function toolFoldersOf(root: string): string[] {
  return [`${root}/usr/bin`, `${root}/usr/sbin`];
}

function write(path: string, file: Exclude<FakeFile, null>): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  if (typeof file === "string") Deno.writeTextFileSync(path, file);
  else if (file instanceof Uint8Array) Deno.writeFileSync(path, file);
  else if ("link" in file) Deno.symlinkSync(file.link, path);
  else Deno.writeTextFileSync(path, `#!/bin/sh\n${file.script}\n`, { mode: 0o755 });
}
