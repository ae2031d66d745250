/** `avail status`: the cluster on one screen. */
import { buildCommand } from "@stricli/core";
import { AvailError, exitCodes } from "../lib/errors.ts";
import type { Status } from "../lib/control.ts";
import { askNode, clientFlags, jsonFlag, nodeFlag, type NodeFlags } from "./client.ts";
import type { Context } from "./context.ts";
import { jsonLine } from "./render.ts";

interface Flags extends NodeFlags {
  readonly watch?: boolean;
  readonly interval?: number;
  readonly json?: boolean;
}

const intervalDefaultS = 1;

export const statusCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Show the cluster, and whether it is safe to pull a plug",
    fullDescription:
      "Shows the members, who handles what, and whether every bucket has a live backup.\n" +
      "With --watch it is drawn again every second, with the newest events beneath it; q ends it.\n" +
      "Exit code: 0 safe, 4 running but not safe, 3 not running.",
  },
  parameters: {
    flags: {
      ...clientFlags,
      node: nodeFlag,
      watch: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Draw it again and again, also while the daemon is restarted",
      },
      interval: {
        kind: "parsed",
        parse: readInterval,
        optional: true,
        brief: "With --watch: how often, in seconds [1]",
        placeholder: "SECONDS",
      },
      json: jsonFlag,
    },
    aliases: { w: "watch" },
  },
  async func(flags) {
    if (flags.watch) return await watchOrPrint(this, flags);
    if (flags.interval !== undefined) {
      throw new AvailError("status: --interval without --watch; add --watch", {
        exitCode: exitCodes.usage,
      });
    }
    const status = await askNode<Status>(flags, { command: "status" });
    if (flags.json) this.process.stdout.write(jsonLine(status));
    else {
      const { statusScreen } = await import("./status_screen.ts");
      this.process.stdout.write(statusScreen(status, this.style));
    }
    if (!status.safe) this.process.exitCode = exitCodes.notSafe;
  },
});

async function watchOrPrint(context: Context, flags: Flags): Promise<void> {
  const everyMs = (flags.interval ?? intervalDefaultS) * 1000;
  const obstacle = !Deno.stdout.isTerminal()
    ? "standard output is none"
    : Deno.env.get("TERM") === "dumb"
    ? 'TERM is "dumb"'
    : null;
  if (!flags.json && obstacle !== null) {
    throw new AvailError(
      `status: --watch draws on a terminal, and ${obstacle}; add --json for a line each time`,
      { exitCode: exitCodes.usage },
    );
  }
  // A wrong word or a missing daemon is told before the screen is taken.
  await askNode<Status>(flags, { command: "status" });
  const { printStatuses, watchStatus } = await import("./status_watch.ts");
  if (flags.json) await printStatuses(context, flags, everyMs);
  else await watchStatus(context, flags, everyMs);
}

function readInterval(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (seconds >= 0.1 && seconds <= 3600) return seconds;
  throw new Error("write seconds, 0.1 to 3600");
}
