/** `avail config`: looks for faults in a configuration, and shows what it comes to. */
import { buildCommand, buildRouteMap } from "@stricli/core";
import { AvailError, exitCodes, type Fault, formatFault } from "../lib/errors.ts";
import { jsonFlag } from "./client.ts";
import type { Context } from "./context.ts";
import { counted, jsonLine } from "./render.ts";
import { readPath } from "./setup/flags.ts";

const defaultFile = "/etc/avail/avail.toml";

interface CheckFlags {
  readonly config?: string;
  readonly fileOnly?: boolean;
  readonly json?: boolean;
}

const checkCommand = buildCommand<CheckFlags, [string?], Context>({
  docs: {
    brief: "Look for faults, all at once",
    fullDescription:
      "Tells every fault of a configuration with its file and line, and whether it fits this\n" +
      "machine: the key file, interfaces, addresses, the programs of checks. Exit code: 0 fine,\n" +
      "2 faults. Warnings do not count.",
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{
        parse: readPath,
        optional: true,
        brief: `The configuration [${defaultFile}]`,
        placeholder: "FILE",
      }],
    },
    flags: {
      config: {
        kind: "parsed",
        parse: readPath,
        optional: true,
        brief: "The same, as other commands have it",
        placeholder: "FILE",
      },
      fileOnly: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Only the file itself, which is for another machine",
      },
      json: jsonFlag,
    },
  },
  async func({ config: named, fileOnly, json }, positional) {
    if (named !== undefined && positional !== undefined) {
      throw new AvailError("config check: FILE stands there twice, once with --config", {
        exitCode: exitCodes.usage,
      });
    }
    const file = positional ?? named ?? defaultFile;
    const { checkConfig } = await import("../lib/host/config_check.ts");
    const { config, faults, warnings } = await checkConfig(file, { fileOnly: fileOnly ?? false });
    const ok = faults.length === 0;
    if (!ok) this.process.exitCode = exitCodes.usage;
    if (json) {
      const plain = (list: readonly Fault[]) =>
        list.map(({ file, line, where, problem, remedy }) => ({
          ...{ file, line, where, problem, remedy },
        }));
      return this.process.stdout.write(
        jsonLine({ schema: 1, file, ok, faults: plain(faults), warnings: plain(warnings) }),
      );
    }
    for (const fault of faults) this.process.stderr.write(`avail: ${formatFault(fault)}\n`);
    for (const fault of warnings) {
      this.process.stderr.write(`avail: warning: ${formatFault(fault)}\n`);
    }
    if (config === null || !ok) return;
    const { cluster, node, shares, links, checks } = config;
    const parts = [
      `cluster ${cluster.name}, node ${node.name}`,
      counted(shares.length, "share"),
      counted(links.length, "link"),
      counted(checks.length, "check"),
    ];
    this.process.stdout.write(`${file}: fine; ${parts.join(", ")}\n`);
  },
});

interface ShowFlags {
  readonly config: string;
  readonly json?: boolean;
}

const showCommand = buildCommand<ShowFlags, [], Context>({
  docs: {
    brief: "Show the configuration with everything that is as by default",
    fullDescription:
      "Prints every key with its value, as TOML that can be used again, or as JSON with\n" +
      "durations in milliseconds. The key file is named, and never shown. A running daemon may\n" +
      "not use what was changed since: avail reload.",
  },
  parameters: {
    flags: {
      config: {
        kind: "parsed",
        parse: readPath,
        default: defaultFile,
        brief: "The configuration",
        placeholder: "FILE",
      },
      json: jsonFlag,
    },
  },
  async func({ config: file, json }) {
    const { loadConfig } = await import("../lib/host/config_check.ts");
    const { formatConfig } = await import("../lib/config_text.ts");
    const config = await loadConfig(file);
    this.process.stdout.write(
      json ? jsonLine({ schema: 1, ...config }) : formatConfig(config, { comments: false }),
    );
  },
});

export const configRoutes = buildRouteMap({
  routes: { check: checkCommand, show: showCommand },
  docs: {
    brief: "Check and show the configuration",
    fullDescription:
      "Checks and shows the configuration. To change it, edit the file, check it,\n" +
      "and have the daemon use it: avail reload.",
  },
});
