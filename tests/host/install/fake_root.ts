/** A system made up in a folder, and what an installation needs besides; always taken away. */
import type { Texts } from "../../../lib/host/install/layout.ts";
import { install, type Installed, type InstallOptions } from "../../../lib/host/install/install.ts";
import type { Step } from "../../../lib/host/install/changes.ts";
import { uninstall, type Uninstalled } from "../../../lib/host/install/uninstall.ts";

export const texts: Texts = {
  completions: { bash: "# bash\n", zsh: "#compdef avail\n", fish: "# fish\n" },
  manPage: ".TH AVAIL 8\n",
};

/** Files by path; a text that begins with `-> ` is a link's target, null a folder. */
export type Files = Readonly<Record<string, string | null>>;

export const systemdTree: Files = {
  "/usr/lib/systemd/systemd": "",
  "/etc/systemd/system": null,
  "/var/lib": null,
};
export const openrcTree: Files = {
  "/sbin/openrc-run": "",
  "/etc/runlevels/default": null,
  "/etc/init.d": null,
};
export const sysvTree: Files = {
  "/etc/init.d": null,
  "/etc/rc2.d": null,
  "/etc/rc0.d": null,
  "/etc/logrotate.d": null,
};

export async function withRoot(files: Files, body: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "avail_root_" });
  try {
    for (const [path, text] of Object.entries(files)) put(root + path, text);
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

export function put(path: string, text: string | null): void {
  const folder = text === null ? path : path.slice(0, path.lastIndexOf("/"));
  Deno.mkdirSync(folder, { recursive: true });
  if (text === null) return;
  if (text.startsWith("-> ")) Deno.symlinkSync(text.slice(3), path);
  else Deno.writeTextFileSync(path, text);
}

/** Everything in a folder, sorted: `0755 /path`, and `0644 /path` with a digest of its text, or its target. */
export function listing(root: string, path = ""): string[] {
  return [...Deno.readDirSync(root + path)].toSorted((a, b) => a.name < b.name ? -1 : 1)
    .flatMap(({ name, isDirectory, isSymlink }) => {
      const own = `${path}/${name}`;
      if (isSymlink) return [`${own} -> ${Deno.readLinkSync(root + own)}`];
      const mode = (Deno.statSync(root + own).mode! & 0o7777).toString(8).padStart(4, "0");
      const below = isDirectory ? listing(root, own) : [];
      return [`${mode} ${own}${isDirectory ? "/" : ""}`, ...below];
    });
}

/** Installs a program of this text into `root`, without building anything. */
export async function installInto(
  root: string,
  program: string,
  options: Partial<InstallOptions> = {},
): Promise<Installed> {
  return await install({
    program: new TextEncoder().encode(program),
    texts,
    root,
    withModule: true,
    isDryRun: false,
    ...options,
  }, { did() {}, step() {}, output() {} });
}

const nobody = () => Promise.reject(new Error("a daemon is asked, though the system does not run"));

export async function uninstallFrom(
  root: string,
  options: { readonly keepConfig?: boolean; readonly isDryRun?: boolean } = {},
): Promise<Uninstalled> {
  return await uninstall({
    root,
    keepConfig: false,
    isForced: false,
    isDryRun: false,
    daemon: { status: nobody, drain: nobody, resume: nobody },
    removeRemains: () => false,
    ...options,
  }, () => {});
}

export function told(steps: readonly Step[]): string[] {
  return steps.map(({ action, path }) => `${action} ${path}`);
}
