/** `avail run`: the daemon, in the foreground. */
import { buildCommand } from "@stricli/core";
import { AvailError, formatFault } from "../lib/errors.ts";
import type { Context } from "./context.ts";

interface Flags {
  readonly config: string;
}

export const runCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Run the daemon in the foreground",
    fullDescription:
      "Runs this node until SIGTERM or SIGINT, then hands its buckets over and stops.\n" +
      "Logs to standard error: text on a terminal, JSON lines otherwise.",
  },
  parameters: {
    flags: {
      config: {
        kind: "parsed",
        parse: String,
        default: "/etc/avail/avail.toml",
        brief: "Configuration",
        placeholder: "FILE",
      },
    },
  },
  async func({ config: file }) {
    const { loadForRun } = await import("../lib/host/config_loader.ts");
    const { config, keys, warnings } = await loadForRun(file);
    for (const warning of warnings) {
      this.process.stderr.write(`avail: warning: ${formatFault(warning)}\n`);
    }
    if (Deno.uid() !== 0) {
      throw new AvailError(`run: user ${Deno.uid()} may not steer the kernel; run this as root`);
    }
    const { runDaemon } = await import("../lib/daemon.ts");
    await runDaemon({ config, keys });
  },
});
