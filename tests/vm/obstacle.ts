/** Whether this machine can run guests at all. */
import { which } from "./process.ts";

/** What each needed program is for, by the Debian package that has it. */
const needed: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "apt-get": "apt",
  "dpkg-deb": "dpkg",
  "busybox": "busybox-static",
  "dash": "dash",
  "depmod": "kmod",
  "gcc": "gcc",
  "gzip": "gzip",
  "make": "make",
  "xtables-legacy-multi": "iptables",
  "setpriv": "util-linux",
  "xz": "xz-utils",
  "zstd": "zstd",
};

/** Why no guest can be run here, in a few words; null if it can. */
export function obstacle(): string | null {
  if (Deno.build.arch !== "x86_64") {
    return `needs an x86-64 machine, and this is ${Deno.build.arch}`;
  }
  if (Deno.uid() !== 0) return "needs root";
  const missing = Object.entries(needed).filter(([program]) => which(program) === null);
  if (missing.length === 0) return null;
  return `needs ${missing.map(([program, name]) => `${program} (package ${name})`).join(", ")}`;
}
