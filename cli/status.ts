/** `avail status`: the cluster on one screen. */
import { buildCommand } from "@stricli/core";
import { exitCodes } from "../lib/errors.ts";
import type { Status } from "../lib/control.ts";
import { askNode, clientFlags, jsonFlag, nodeFlag, type NodeFlags } from "./client.ts";
import type { Context } from "./context.ts";
import { jsonLine } from "./render.ts";

interface Flags extends NodeFlags {
  readonly json?: boolean;
}

export const statusCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Show the cluster, and whether it is safe to pull a plug",
    fullDescription:
      "Shows the members, who handles what, and whether every bucket has a live backup.\n" +
      "Exit code: 0 safe, 4 running but not safe, 3 not running.",
  },
  parameters: { flags: { ...clientFlags, node: nodeFlag, json: jsonFlag } },
  async func(flags) {
    const status = await askNode<Status>(flags, { command: "status" });
    if (flags.json) this.process.stdout.write(jsonLine(status));
    else {
      const { statusScreen } = await import("./status_screen.ts");
      this.process.stdout.write(statusScreen(status, this.style));
    }
    if (!status.safe) this.process.exitCode = exitCodes.notSafe;
  },
});
