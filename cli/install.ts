/** `avail install`: this program becomes part of the machine. */
import { buildCommand } from "@stricli/core";
import { jsonFlag, optionalSwitch } from "./client.ts";
import type { Context } from "./context.ts";
import { readFolder } from "./inputs.ts";
import { jsonLine } from "./render.ts";

interface Flags {
  readonly root?: string;
  readonly to?: string;
  readonly kmod: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const installCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Install avail on this machine",
    fullDescription:
      "Copies the program, makes its folders, installs the service (systemd, OpenRC or SysV init),\n" +
      "completions and the manual page, and builds the kernel module where that is possible. Starts\n" +
      "nothing. Doing it again changes nothing; another version replaces the one that is there.",
  },
  parameters: {
    flags: {
      root: {
        kind: "parsed",
        parse: readFolder,
        optional: true,
        brief: "Into the system beneath this folder, such as an image; nothing is run",
        placeholder: "DIR",
      },
      to: {
        kind: "parsed",
        parse: readAbsoluteFolder,
        optional: true,
        brief: "Folder for the program [/usr/local/sbin]",
        placeholder: "DIR",
      },
      kmod: { kind: "boolean", default: true, brief: "Build the kernel module where possible" },
      dryRun: { ...optionalSwitch, brief: "Only show what would be done" },
      json: jsonFlag,
    },
  },
  async func({ root, to, kmod, dryRun, json }) {
    const { install } = await import("../lib/host/install/install.ts");
    const { programToInstall } = await import("../lib/host/install/program_source.ts");
    const { version } = await import("../lib/version.ts");
    const { programTexts } = await import("./program_texts.ts");
    const { installHead, installTail, stepLine } = await import("./install_screen.ts");
    const isDryRun = dryRun === true;
    const program = await Deno.readFile(programToInstall());
    const say = (text: string) => json ? {} : this.process.stdout.write(text);
    const isWatched = Deno.stdout.isTerminal();
    let isFirst = true;
    const begin = () => {
      if (isFirst) say(installHead(version, root ?? "/", isDryRun));
      isFirst = false;
    };
    const installed = await install({
      program,
      texts: await programTexts(version),
      ...(root !== undefined && { root }),
      ...(to !== undefined && { programFolder: to }),
      withModule: kmod,
      isDryRun,
    }, {
      did: (step) => {
        begin();
        say(stepLine(step, isDryRun));
      },
      step: (text) => {
        begin();
        say(`  ${isDryRun ? "would " : ""}${text}\n`);
      },
      output: (line) => isWatched ? say(`    ${line}\n`) : {},
    });
    say(json ? "" : installTail(installed, this.style));
    if (json) this.process.stdout.write(jsonLine(installed));
  },
});

function readAbsoluteFolder(text: string): string {
  if (!/^\/[^/]/.test(text) || /\/\.{0,2}(\/|$)/.test(text)) {
    throw new Error("name it by its whole path, such as /usr/local/sbin");
  }
  return text;
}
