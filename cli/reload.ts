/** `avail reload`: what the configuration says now comes into use, or nothing does and one is told why. */
import { buildCommand } from "@stricli/core";
import type { ClusterReport, ReloadReport } from "../lib/control_reload.ts";
import { type ExitCode, exitCodes, formatFault } from "../lib/errors.ts";
import { ask, askNode, clientFlags, jsonFlag, nodeFlag, type NodeFlags } from "./client.ts";
import type { Context } from "./context.ts";
import { Progress } from "./progress.ts";
import { jsonLine } from "./render.ts";

interface Flags extends NodeFlags {
  readonly cluster?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** It waits for other nodes and for a plan, by its own deadlines, which follow the detection time. */
const clusterTimeoutMs = 3_600_000;

export const reloadCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Use what the configuration says now, without a gap",
    fullDescription:
      "Has the daemon read its configuration and key file anew (SIGHUP does the same). All that has\n" +
      "changed comes into use at once, or, if the file has faults or anything in it needs a\n" +
      "restart, nothing does, and each reason is told.\n" +
      "What must be equal on all nodes is changed on all at once: put the new file on every node,\n" +
      "then run `avail reload --cluster` on one. If any live node cannot, nothing changes anywhere.\n" +
      "Exit code: 0 as the file says, 1 nothing was changed, 2 the file has faults.",
  },
  parameters: {
    flags: {
      ...clientFlags,
      node: nodeFlag,
      cluster: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "All live nodes, each its own file, at one moment",
      },
      dryRun: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Only tell what would be done",
      },
      json: jsonFlag,
    },
  },
  async func(flags) {
    const code = flags.cluster ? await reloadAll(this, flags) : await reloadOne(this, flags);
    if (code !== exitCodes.ok) this.process.exitCode = code;
  },
});

async function reloadOne(context: Context, flags: Flags): Promise<ExitCode> {
  const request = { command: "reload", do: flags.dryRun ? "check" : "apply" } as const;
  const report = await askNode<ReloadReport>(flags, request);
  const { stdout, stderr } = context.process;
  if (flags.json) stdout.write(jsonLine(report));
  else {
    for (const warning of report.warnings) {
      stderr.write(`avail: warning: ${formatFault(warning)}\n`);
    }
    for (const fault of report.faults) stderr.write(`avail: ${formatFault(fault)}\n`);
    const { reloadScreen } = await import("./reload_screen.ts");
    stdout.write(reloadScreen(report, context.style));
  }
  if (report.faults.length > 0) return exitCodes.usage;
  return report.outcome === "refused" || report.why.length > 0 ? exitCodes.failed : exitCodes.ok;
}

async function reloadAll(context: Context, flags: Flags): Promise<ExitCode> {
  if (flags.node !== undefined) {
    const { AvailError } = await import("../lib/errors.ts");
    throw new AvailError("reload: --cluster means all nodes; leave --node out", {
      exitCode: exitCodes.usage,
    });
  }
  let report: ClusterReport;
  {
    using progress = new Progress(context);
    progress.show("all nodes read their files …");
    const request = { command: "reloadCluster", dryRun: flags.dryRun ?? false } as const;
    report = await ask<ClusterReport>(flags, request, clusterTimeoutMs);
  }
  const { clusterScreen } = await import("./reload_screen.ts");
  context.process.stdout.write(
    flags.json ? jsonLine(report) : clusterScreen(report, context.style),
  );
  if (report.nodes.some(({ faults }) => faults.length > 0)) return exitCodes.usage;
  return report.outcome === "refused" || report.outcome === "partly"
    ? exitCodes.failed
    : exitCodes.ok;
}
