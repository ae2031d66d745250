/** `avail doctor`: what is wrong with this node and its machine, why that matters, and what to do. */
import { buildCommand } from "@stricli/core";
import { AvailError, exitCodes } from "../lib/errors.ts";
import { type ClientFlags, clientFlags, jsonFlag, optionalSwitch } from "./client.ts";
import type { Context } from "./context.ts";
import { Progress } from "./progress.ts";
import { jsonLine } from "./render.ts";

interface Flags extends ClientFlags {
  readonly list?: boolean;
  readonly all?: boolean;
  readonly fix?: boolean;
  readonly persist?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const doctorCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: "Look for what is wrong on this node, and say what to do about it",
    fullDescription:
      "Looks at the kernel, settings, interfaces, firewall, clocks and files of this machine,\n" +
      "and at the cluster where the daemon runs. It works without a daemon and without a\n" +
      "configuration, too. With the names of checks or groups, only at those (--list).\n" +
      "Exit code: 0 nothing worse than notes, 4 warnings, 1 errors.",
  },
  parameters: {
    flags: {
      ...clientFlags,
      config: { ...clientFlags.config, brief: "Configuration to go by [/etc/avail/avail.toml]" },
      list: { ...optionalSwitch, brief: "Only list the checks" },
      all: { ...optionalSwitch, brief: "Show also what is fine" },
      fix: { ...optionalSwitch, brief: "Do what is safe: settings, modes of files, modules" },
      persist: { ...optionalSwitch, brief: "With --fix: also after a reboot (/etc/sysctl.d)" },
      dryRun: { ...optionalSwitch, brief: "With --fix: only say what it would do" },
      json: jsonFlag,
    },
    positional: {
      kind: "array",
      parameter: {
        parse: String,
        brief: "Checks or groups of checks [all]",
        placeholder: "CHECK",
      },
    },
  },
  async func({ list, all, fix, persist, dryRun, json, ...place }, ...checks) {
    const { checkWords } = await import("../lib/doctor/catalogue.ts");
    await refuseUnknown(checks, checkWords);
    const { checkList, doctorScreen } = await import("./doctor_screen.ts");
    if (list) return this.process.stdout.write(checkList(checks, json === true, this.style));
    for (const [name, isGiven] of [["--persist", persist], ["--dry-run", dryRun]] as const) {
      if (isGiven && !fix) {
        throw new AvailError(`${name} goes with --fix: without, nothing is changed`, {
          exitCode: exitCodes.usage,
        });
      }
    }
    if (fix && !dryRun && Deno.uid() !== 0) {
      throw new AvailError("mend this machine: not root; run it as root, or look with --dry-run");
    }
    const { runDoctor } = await import("../lib/host/doctor/doctor.ts");
    const { exitCodeOf } = await import("../lib/doctor/report.ts");
    const isDry = dryRun === true;
    const options = {
      ...place,
      checks,
      fix: fix ? { persist: persist === true, dryRun: isDry } : null,
    };
    const report = await examined(this, options);
    this.process.stdout.write(
      json ? jsonLine(report) : doctorScreen(report, { all: all === true, isDry }, this.style),
    );
    this.process.exitCode = exitCodeOf(report);

    async function examined(context: Context, options: Parameters<typeof runDoctor>[0]) {
      using progress = new Progress(context);
      return await runDoctor(options, (what) => progress.show(`${what} …`));
    }
  },
});

async function refuseUnknown(words: readonly string[], known: readonly string[]): Promise<void> {
  const unknown = words.filter((word) => !known.includes(word));
  if (unknown.length === 0) return;
  const { nearestWord } = await import("../lib/nearest.ts");
  const near = nearestWord(unknown[0], known);
  throw new AvailError(
    `CHECK: there is no check "${unknown[0]}"; ` +
      (near
        ? `did you mean "${near}"? avail doctor --list shows all`
        : "avail doctor --list shows all"),
    { exitCode: exitCodes.usage },
  );
}
