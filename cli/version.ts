/** `avail version`: what to name in a report of a fault. */
import { buildCommand } from "@stricli/core";
import { jsonFlag } from "./client.ts";
import type { Context } from "./context.ts";
import { jsonLine } from "./render.ts";

export const versionCommand = buildCommand<{ readonly json?: boolean }, [], Context>({
  docs: { brief: "Show the versions of avail and of what it runs on" },
  parameters: { flags: { json: jsonFlag } },
  async func(flags) {
    const { version } = await import("../lib/version.ts");
    const { libraries } = await import("../lib/host/libraries.ts");
    const { deno, v8, typescript } = Deno.version;
    const found = libraries();
    if (flags.json) {
      const versions = { schema: 1, version, deno, v8, typescript, libraries: found };
      this.process.stdout.write(jsonLine(versions));
      return;
    }
    const lines = [
      `avail ${version}`,
      `deno ${deno}, v8 ${v8}, typescript ${typescript}`,
      ...Object.entries(found).map(([name, file]) => `${name}: ${file ?? "missing"}`),
    ];
    this.process.stdout.write(lines.join("\n") + "\n");
  },
});
