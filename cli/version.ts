/** `avail version`: what to name in a report of a fault, and whether the program is undamaged. */
import { buildCommand } from "@stricli/core";
import { exitCodes } from "../lib/errors.ts";
import type { BuildInfo } from "../lib/host/build_info.ts";
import type { Verification } from "../lib/host/verify_program.ts";
import { version } from "../lib/version.ts";
import { jsonFlag, optionalSwitch } from "./client.ts";
import type { Context } from "./context.ts";
import { jsonLine } from "./render.ts";

interface Flags {
  readonly verify?: boolean;
  readonly licences?: boolean;
  readonly json?: boolean;
}

export const versionCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Show the versions of avail and of what it runs on",
    fullDescription:
      "Shows the versions of avail, its runtime, its libraries, the BPF programs and the kernel\n" +
      "module's source, and how it was built. With --verify, reads the program's file and all that\n" +
      "was unpacked from it, and compares them with the SHA-256 sums that it was built with.\n" +
      "Exit code: 0 fine, 1 damaged.",
  },
  parameters: {
    flags: {
      verify: { ...optionalSwitch, brief: "Check the program's file and what it unpacked" },
      licences: { ...optionalSwitch, brief: "Print the licences of everything in the program" },
      json: jsonFlag,
    },
  },
  async func(flags) {
    const { stdout } = this.process;
    if (flags.verify) {
      const { verifyProgram } = await import("../lib/host/verify_program.ts");
      const verification = verifyProgram();
      const isSound = verification.files.every(({ problem }) => problem === null);
      stdout.write(
        flags.json
          ? jsonLine({ schema: 1, ok: isSound, ...verification })
          : verificationScreen(verification),
      );
      if (!isSound) this.process.exitCode = exitCodes.failed;
      return;
    }
    // One import: a start that is measured (bench/start.ts) pays for each.
    const { licences, readBuildInfo } = await import("../lib/host/build_info.ts");
    if (flags.licences) {
      stdout.write(licences() ?? "GPL-2.0-or-later; the text is in the file LICENSE\n");
      return;
    }
    const { deno, v8, typescript } = Deno.version;
    const build = await readBuildInfo();
    if (flags.json) {
      const { kind, ...rest } = build;
      stdout.write(jsonLine({ schema: 1, version, deno, v8, typescript, build: kind, ...rest }));
      return;
    }
    const lines = [
      `avail ${version} (${buildWords[build.kind]})`,
      `deno ${deno}, v8 ${v8}, typescript ${typescript}`,
      ...libraryLines(build),
      `BPF programs: ${build.bpf ?? "missing"}`,
      `kernel module's source: ${build.module ?? "missing"}`,
      ...(build.executable === null
        ? []
        : [`file: ${build.executable}`, `unpacked to: ${build.unpacked ?? "memory"}`]),
    ];
    stdout.write(lines.join("\n") + "\n");
  },
});

const buildWords: Readonly<Record<BuildInfo["kind"], string>> = {
  source: "from source",
  launcher: "one file: launcher and deno",
  compiled: "one file: deno compile",
};

/** Those that it carries by their versions, those of the system by their files. */
function libraryLines({ libraries, components }: BuildInfo): string[] {
  return Object.entries(libraries).map(([soname, file]) => {
    const version = components[soname.slice(0, soname.indexOf(".so"))];
    return version === undefined
      ? `${soname}: ${file ?? "missing"}`
      : `${soname}: ${version}, its own`;
  });
}

function verificationScreen({ executable, sha256, files }: Verification): string {
  const damaged = files.filter(({ problem }) => problem !== null);
  const lines = damaged.map(({ path, problem }) => `${path} ${problem}`);
  if (damaged.some(({ path }) => path === executable)) {
    lines.push("copy the file here again");
  } else if (damaged.length > 0) {
    lines.push("remove the folder that it was unpacked to; the next start makes it again");
  } else {
    lines.push(`${executable} and its ${files.length - 1} files are as they were built`);
  }
  return [...lines, `SHA-256 ${sha256}`].join("\n") + "\n";
}
