/** What belongs to an installation, and where: a table of folders and files. Pure. */
import { hasServiceManager, type ServiceManagerKind } from "../service/detect.ts";
import { scriptFile, unitFile } from "../service/names.ts";
import { openrcScript } from "../service/openrc_script.ts";
import { systemdUnit } from "../service/systemd_unit.ts";
import { sysvScript } from "../service/sysv_script.ts";
import type { Tree } from "../kernel_module/tree.ts";

/** The texts that the command line makes from its table of commands. */
export interface Texts {
  readonly completions: Readonly<Record<"bash" | "zsh" | "fish", string>>;
  readonly manPage: string;
}

/** One thing of the installation; `path` is inside the system's root. */
export type Item =
  & { readonly path: string; readonly mode: number; readonly what: string }
  & (
    | { readonly kind: "folder" }
    | { readonly kind: "file"; readonly content: Uint8Array<ArrayBuffer> }
  );

export const configFolder = "/etc/avail";
export const stateFolder = "/var/lib/avail";
export const programName = "avail";

/** Of other people's programs, each finds its part without being told. */
export const completionFiles = {
  bash: "/usr/local/share/bash-completion/completions/avail",
  zsh: "/usr/local/share/zsh/site-functions/_avail",
  // Not below /usr/local/share: fish looks there only where XDG_DATA_DIRS says so.
  fish: "/etc/fish/completions/avail.fish",
} as const;
export const manPageFile = "/usr/local/share/man/man8/avail.8";
export const logRotationFile = "/etc/logrotate.d/avail";

/** Which of the service managers' files a system gets. */
export function wantedServices(tree: Tree, kind: ServiceManagerKind): ServiceManagerKind[] {
  // systemd prefers its unit to a script of the same name, so a system may have both.
  const withUnit = kind === "systemd" || hasServiceManager(tree, "systemd");
  const script = kind === "openrc" || kind === "sysv" ? [kind] : [];
  return [...(withUnit ? ["systemd" as const] : []), ...script];
}

/**
 * All that is to be there, each folder before what is in it.
 *
 * @param programFolder Folder of the executable.
 */
export function layout(
  { tree, kind, programFolder, program, texts }: {
    readonly tree: Tree;
    readonly kind: ServiceManagerKind;
    readonly programFolder: string;
    readonly program: Uint8Array<ArrayBuffer>;
    readonly texts: Texts;
  },
): Item[] {
  const file = (path: string, content: string, what: string, mode = 0o644): Item => ({
    kind: "file",
    path,
    mode,
    content: new TextEncoder().encode(content),
    what,
  });
  const programFile = `${programFolder}/${programName}`;
  const services = wantedServices(tree, kind);
  const hasLogFile = services.includes("sysv") || services.includes("openrc");
  return [
    { kind: "folder", path: stateFolder, mode: 0o755, what: "what avail builds and unpacks" },
    { kind: "folder", path: configFolder, mode: 0o700, what: "configuration and key" },
    { kind: "file", path: programFile, mode: 0o755, content: program, what: "the program" },
    ...services.map((service): Item => {
      switch (service) {
        case "systemd":
          return file(unitFile, systemdUnit(programFile), "the service, for systemd");
        case "openrc":
          return file(scriptFile, openrcScript(programFile), "the service, for OpenRC", 0o755);
        default:
          return file(scriptFile, sysvScript(programFile), "the service, for SysV init", 0o755);
      }
    }),
    ...(hasLogFile && tree.exists("/etc/logrotate.d")
      ? [file(logRotationFile, logRotation, "keeps its log small")]
      : []),
    file(completionFiles.bash, texts.completions.bash, "bash completions"),
    file(completionFiles.zsh, texts.completions.zsh, "zsh completions"),
    file(completionFiles.fish, texts.completions.fish, "fish completions"),
    file(manPageFile, texts.manPage, "man avail"),
  ];
}

/** The daemon keeps its log open, so the file is emptied in place. */
const logRotation = `# Written by \`avail install\`.
/var/log/avail.log {
  weekly
  rotate 8
  compress
  missingok
  notifempty
  copytruncate
}
`;
