/** What a distribution calls the packages that building a module takes. Pure. */
import type { Compiler } from "./compiler.ts";

type Family = "debian" | "fedora" | "suse" | "arch" | "alpine";

const families: Readonly<Record<string, Family>> = {
  debian: "debian",
  ubuntu: "debian",
  fedora: "fedora",
  rhel: "fedora",
  centos: "fedora",
  suse: "suse",
  opensuse: "suse",
  sles: "suse",
  arch: "arch",
  alpine: "alpine",
};

const install: Readonly<Record<Family, string>> = {
  debian: "apt-get install",
  fedora: "dnf install",
  suse: "zypper install",
  arch: "pacman -S",
  alpine: "apk add",
};

/** A Linux distribution, as far as its packages are known. */
export class Distribution {
  readonly #family: Family | null;

  /** @param osRelease Text of /etc/os-release, os-release(5); null where there is none. */
  constructor(osRelease: string | null) {
    const value = (name: string) =>
      new RegExp(`^${name}=(["']?)(.*)\\1\\s*$`, "m").exec(osRelease ?? "")?.[2] ?? "";
    const ids = [value("ID"), ...value("ID_LIKE").split(" ")];
    const known = ids.flatMap((id) => families[id] ?? families[id.split("-")[0]] ?? []);
    this.#family = known[0] ?? null;
  }

  /** The package with a kernel's headers; null where the distribution is not known. */
  headersPackage(release: string): string | null {
    // The last word of a release names the kernel's flavour, where there is one.
    const flavour = /-([a-z][a-z_]*)$/.exec(release)?.[1] ?? "";
    switch (this.#family) {
      case "debian":
        return release.endsWith("-pve") ? `proxmox-headers-${release}` : `linux-headers-${release}`;
      case "fedora":
        return release.includes("uek") ? `kernel-uek-devel-${release}` : `kernel-devel-${release}`;
      case "suse":
        return `kernel-${flavour || "default"}-devel`;
      case "arch": {
        const own = /-(lts|zen|hardened|rt)$/.exec(release)?.[1];
        return own === undefined ? "linux-headers" : `linux-${own}-headers`;
      }
      case "alpine":
        return `linux-${flavour || "lts"}-dev`;
      case null:
        return null;
    }
  }

  /** The package with a compiler of this kind. */
  compilerPackage({ name, major }: Compiler): string {
    return this.#family === "debian" ? `${name}-${major}` : name;
  }

  /** `apt-get install NAME`, or words for a distribution that is not known. */
  toInstall(name: string): string {
    return this.#family === null ? `install ${name}` : `${install[this.#family]} ${name}`;
  }
}
