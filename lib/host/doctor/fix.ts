/** Carries out what findings say can be mended safely. */
import type { Finding, Fix } from "../../doctor/finding.ts";
import { sysctlName } from "../../doctor/finding.ts";
import { mergeSettings } from "../../doctor/persist.ts";
import type { FixResult } from "../../doctor/report.ts";
import { writeWholeFile } from "../whole_file.ts";
import { findTool, toolFolders } from "../kernel_module/tools.ts";
import { readText } from "./read.ts";
import { runBriefly } from "./run.ts";

export interface FixOptions {
  /** Also after a reboot. */
  readonly persist: boolean;
  /** Only says what it would do. */
  readonly dryRun: boolean;
  /** Instead of /etc; for tests. */
  readonly etc?: string;
}

/** What is read at boot, below /etc. */
const settingsFile = "sysctl.d/90-avail-doctor.conf";
const modulesFile = "modules-load.d/avail-doctor.conf";

/** Each fix once, in the order of the findings. */
export async function applyFixes(
  findings: readonly Finding[],
  options: FixOptions,
): Promise<FixResult[]> {
  const fixes = new Map<string, Fix>();
  for (const { fix } of findings) if (fix !== null) fixes.set(JSON.stringify(fix), fix);
  const results: FixResult[] = [];
  for (const fix of fixes.values()) results.push(await apply(fix, options));
  return results;
}

async function apply(fix: Fix, options: FixOptions): Promise<FixResult> {
  const { persist, dryRun, etc = "/etc" } = options;
  const file = !persist || fix.kind === "mode"
    ? null
    : `${etc}/${fix.kind === "module" ? modulesFile : settingsFile}`;
  const change = describe(fix);
  if (dryRun) return { change, done: false, error: null, persisted: file };
  try {
    await perform(fix);
    if (file !== null) await persistFix(fix, file);
    return { change, done: true, error: null, persisted: file };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { change, done: false, error: why, persisted: null };
  }
}

function describe(fix: Fix): string {
  switch (fix.kind) {
    case "sysctl": {
      const old = readText(`/proc/sys/${fix.path}`) ?? "?";
      return `set ${sysctlName(fix.path)} from ${old} to ${fix.value}`;
    }
    case "mode": {
      const old = (Deno.statSync(fix.path).mode ?? 0) & 0o777;
      return `change the mode of ${fix.path} from ${octal(old)} to ${octal(fix.mode)}`;
    }
    case "module":
      return `load the module ${fix.name}`;
  }
}

async function perform(fix: Fix): Promise<void> {
  switch (fix.kind) {
    case "sysctl":
      return Deno.writeTextFileSync(`/proc/sys/${fix.path}`, fix.value, { create: false });
    case "mode":
      return Deno.chmodSync(fix.path, fix.mode);
    case "module": {
      const program = findTool(toolFolders(), "modprobe");
      if (program === null) throw new Error("modprobe is not installed");
      const said = await runBriefly([program, fix.name]);
      if ("problem" in said) throw new Error(said.problem);
    }
  }
}

async function persistFix(fix: Fix, file: string): Promise<void> {
  const old = readText(file) ?? "";
  const line = fix.kind === "module"
    ? { key: fix.name, text: fix.name }
    : fix.kind === "sysctl"
    ? { key: sysctlName(fix.path), text: `${sysctlName(fix.path)} = ${fix.value}` }
    : null;
  if (line === null) return;
  await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
  await writeWholeFile(file, mergeSettings(old, line), { mode: 0o644, present: "replace" });
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
