/** `avail uninstall`: the machine as it was before. */
import { buildCommand } from "@stricli/core";
import { askStatus, jsonFlag, optionalSwitch } from "./client.ts";
import type { Context } from "./context.ts";
import { readFolder } from "./inputs.ts";
import { jsonLine } from "./render.ts";

interface Flags {
  readonly root?: string;
  readonly keepConfig?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const uninstallCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Remove avail from this machine",
    fullDescription:
      "Drains this node, stops its daemon, and removes all of avail: program, service, kernel module,\n" +
      "configuration and key. Refuses while the node handles buckets that nobody else can take.",
  },
  parameters: {
    flags: {
      root: {
        kind: "parsed",
        parse: readFolder,
        optional: true,
        brief: "From the system beneath this folder, such as an image",
        placeholder: "DIR",
      },
      keepConfig: { ...optionalSwitch, brief: "Keep the configuration and the key" },
      force: { ...optionalSwitch, brief: "Also if the shared addresses answer no more then" },
      dryRun: { ...optionalSwitch, brief: "Only show what would be done" },
      json: jsonFlag,
    },
  },
  async func({ root, keepConfig, force, dryRun, json }) {
    // All of it now: once the program is removed, no part of it can be loaded.
    const { uninstall } = await import("../lib/host/install/uninstall.ts");
    const { removeRemains } = await import("../lib/host/install/remains.ts");
    const { controlRequest } = await import("../lib/host/control_socket.ts");
    const { loadSocketPath } = await import("../lib/host/config_loader.ts");
    const { stepLine, uninstallHead, uninstallTail } = await import("./install_screen.ts");
    const isDryRun = dryRun === true;
    const say = (text: string) => json ? {} : this.process.stdout.write(text);
    const order = async (command: "drain" | "resume") =>
      void await controlRequest(await loadSocketPath(), { command });
    let isFirst = true;
    const result = await uninstall({
      ...(root !== undefined && { root }),
      keepConfig: keepConfig === true,
      isForced: force === true,
      isDryRun,
      daemon: {
        status: () => askStatus({}),
        drain: () => order("drain"),
        resume: () => order("resume"),
      },
      removeRemains,
    }, (step) => {
      if (isFirst) say(uninstallHead(root ?? "/", isDryRun));
      isFirst = false;
      say(stepLine(step, isDryRun));
    });
    say(json ? "" : uninstallTail(result));
    if (json) this.process.stdout.write(jsonLine(result));
  },
});
