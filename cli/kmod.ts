/** `avail kmod`: the kernel module clusterdev on this machine. */
import { buildCommand, buildRouteMap } from "@stricli/core";
import { AvailError, exitCodes } from "../lib/errors.ts";
import { jsonFlag, optionalSwitch } from "./client.ts";
import type { Context } from "./context.ts";
import { readFolder } from "./inputs.ts";
import { jsonLine } from "./render.ts";

interface TargetFlags {
  readonly kernel?: string;
  readonly root?: string;
  readonly headers?: string;
}

interface JsonFlags {
  readonly json?: boolean;
}

interface BuildFlags extends TargetFlags, JsonFlags {
  readonly compiler?: string;
  readonly dkms?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

const targetFlags = {
  kernel: {
    kind: "parsed",
    parse: readRelease,
    optional: true,
    brief: "Another kernel than the running one, as `uname -r` names it",
    placeholder: "RELEASE",
  },
  root: {
    kind: "parsed",
    parse: readFolder,
    optional: true,
    brief: "The system beneath this folder, such as a mounted image",
    placeholder: "DIR",
  },
  headers: {
    kind: "parsed",
    parse: readFolder,
    optional: true,
    brief: "The kernel's headers [/lib/modules/RELEASE/build]",
    placeholder: "DIR",
  },
} as const;

const statusCommand = buildCommand<TargetFlags & JsonFlags, [], Context>({
  docs: {
    brief: "Show whether the module is there, and what is in its way",
    fullDescription:
      "Shows the module, the kernel, what a build takes, and each obstacle with its\n" +
      "remedy. Exit code: 0 loaded or loadable, 1 not yet built, or not possible.",
  },
  parameters: { flags: { ...targetFlags, json: jsonFlag } },
  async func({ json, ...target }) {
    const { gatherFacts, judgeModule } = await import("../lib/host/kernel_module/status.ts");
    const { readPackedSource } = await import("../lib/host/kernel_module/source.ts");
    const facts = gatherFacts(targetOf(target));
    const status = judgeModule(facts, readPackedSource().version);
    if (json) this.process.stdout.write(jsonLine(status));
    else {
      const { moduleScreen } = await import("./kmod_screen.ts");
      this.process.stdout.write(moduleScreen(status, this.style));
    }
    const isUsable = status.state === "loaded" || status.state === "loadable";
    if (!isUsable) this.process.exitCode = exitCodes.failed;
  },
});

const moduleBuildCommand = buildCommand<BuildFlags, [], Context>({
  docs: {
    brief: "Build the module and install it",
    fullDescription:
      "Builds the source in this program: with DKMS where it is installed, so that new kernels get\n" +
      "the module by themselves, else with make against the kernel's headers. Nothing is done where\n" +
      "the same version is installed.",
  },
  parameters: {
    flags: {
      ...targetFlags,
      compiler: {
        kind: "parsed",
        parse: String,
        optional: true,
        brief: "Not the compiler of the kernel's major version, but this one; without DKMS",
        placeholder: "PROGRAM",
      },
      dkms: { kind: "boolean", optional: true, brief: "Build with DKMS, or without" },
      force: { ...optionalSwitch, brief: "Build again what is installed" },
      dryRun: { ...optionalSwitch, brief: "Only show the steps" },
      json: jsonFlag,
    },
  },
  async func({ compiler, dkms, force, dryRun, json, ...target }) {
    if (dkms && compiler !== undefined) {
      throw new AvailError("--compiler goes with --no-dkms: DKMS chooses its compiler itself", {
        exitCode: exitCodes.usage,
      });
    }
    const { buildModule } = await import("../lib/host/kernel_module/build.ts");
    const { readPackedSource } = await import("../lib/host/kernel_module/source.ts");
    const say = (text: string) => json ? {} : this.process.stdout.write(`${text}\n`);
    const isWatched = Deno.stdout.isTerminal();
    const report = { step: say, output: (line: string) => isWatched ? say(`  ${line}`) : {} };
    const { release, version, steps } = await buildModule(
      readPackedSource(),
      targetOf(target),
      {
        jobs: navigator.hardwareConcurrency,
        ...(compiler !== undefined && { compiler, dkms: false }),
        ...(dkms !== undefined && { dkms }),
        ...(force && { force }),
      },
      report,
      dryRun,
    );
    const dry = dryRun === true;
    if (json) {
      this.process.stdout.write(jsonLine({ schema: 1, release, version, dryRun: dry, steps }));
    } else if (steps.length === 0) {
      say(`clusterdev ${version} is installed for Linux ${release} already`);
    } else if (dry) steps.forEach((step) => say(`would ${step}`));
    else say(`clusterdev ${version} is installed for Linux ${release}`);
  },
});

const loadCommand = buildCommand<JsonFlags, [], Context>({
  docs: {
    brief: "Load the module into the running kernel",
    fullDescription: "The kernel also loads it by itself, with the first device that is made.\n" +
      "Where it is refused, the obstacle and its remedy are told.",
  },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { loadModule } = await import("../lib/host/kernel_module/load.ts");
    const { changed, version } = loadModule();
    if (json) this.process.stdout.write(jsonLine({ schema: 1, loaded: true, changed, version }));
    else {
      const how = changed ? "is loaded" : "is loaded already";
      this.process.stdout.write(`${named(version)} ${how}\n`);
    }
  },
});

const unloadCommand = buildCommand<JsonFlags, [], Context>({
  docs: {
    brief: "Take the module out of the running kernel",
    fullDescription: "Refuses while there are devices of the module, and names them.",
  },
  parameters: { flags: { json: jsonFlag } },
  async func({ json }) {
    const { unloadModule } = await import("../lib/host/kernel_module/load.ts");
    const { changed, version } = unloadModule();
    if (json) this.process.stdout.write(jsonLine({ schema: 1, loaded: false, changed, version }));
    else {
      const how = changed ? "was unloaded" : "is not loaded";
      this.process.stdout.write(`${named(version)} ${how}\n`);
    }
  },
});

export const kmodRoutes = buildRouteMap({
  routes: {
    status: statusCommand,
    build: moduleBuildCommand,
    load: loadCommand,
    unload: unloadCommand,
  },
  docs: {
    brief: "Build, load and unload the kernel module clusterdev",
    fullDescription: "Builds, loads and unloads the kernel module clusterdev.\n" +
      "avail works without it, too, with the xdp backend.",
  },
});

function targetOf({ kernel, root, headers }: TargetFlags) {
  return {
    ...(kernel !== undefined && { release: kernel }),
    ...(root !== undefined && { root }),
    ...(headers !== undefined && { headers }),
  };
}

function named(version: string | null): string {
  return version === null ? "clusterdev" : `clusterdev ${version}`;
}

/** It becomes part of paths and of make's words. */
function readRelease(text: string): string {
  if (!/^\w[\w.+~-]{0,100}$/.test(text)) throw new Error("write it as `uname -r` does");
  return text;
}
