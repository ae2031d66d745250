/** Files, the service, and who else is at work on this machine. */
import { statfsSync } from "node:fs";
import { rivalNames, type ServiceFacts, type UnitFacts } from "../../doctor/service.ts";
import { readKeyFile } from "../key_file.ts";
import { findServiceManager } from "../service_manager.ts";
import { isThere, namesIn, readText } from "./read.ts";
import { runBriefly } from "./run.ts";
import type { Gathered } from "./setup.ts";

export async function serviceFacts({ configFile }: Gathered): Promise<ServiceFacts> {
  const { path, exists, faults, warnings, stated } = configFile;
  return {
    configFile: { path, exists, faults, warnings },
    keyFile: stated === null ? null : await keyFileFacts(stated.cluster.keyFile),
    unit: await unitFacts(),
    space: spaceOf(stated?.control.socket),
    rivals: rivals(),
  };
}

async function keyFileFacts(path: string): Promise<ServiceFacts["keyFile"]> {
  const found = await readKeyFile(path);
  const isBad = "problem" in found;
  const permissions = isBad ? /^has mode (0\d{3})$/.exec(found.problem)?.[1] : undefined;
  return {
    path,
    problem: isBad ? found.problem : null,
    remedy: isBad ? found.remedy : null,
    mode: permissions === undefined ? null : parseInt(permissions, 8),
    writableFolders: writableFolders(path),
  };
}

/** Folders above a file in which others than root may rename things; sticky ones forbid that. */
export function writableFolders(path: string): string[] {
  const found: string[] = [];
  const words = path.split("/").slice(0, -1);
  for (let n = 1; n <= words.length; n++) {
    const folder = words.slice(0, n).join("/") || "/";
    try {
      const mode = Deno.statSync(folder).mode ?? 0;
      if ((mode & 0o022) !== 0 && (mode & 0o1000) === 0) found.push(folder);
    } catch {
      // What is not there is told by the file's own problem.
    }
  }
  return found;
}

async function unitFacts(): Promise<UnitFacts | null> {
  const manager = findServiceManager();
  if (manager.kind === "none") return null;
  const isInstalled = manager.isInstalled();
  const shown = manager.kind === "systemd" && isInstalled ? await systemdProperties() : null;
  const state = shown?.get("ActiveState") ?? (await manager.isRunning() ? "active" : "inactive");
  return {
    isInstalled,
    isEnabled: isInstalled && manager.isEnabled(),
    state,
    restarts: Number(shown?.get("NRestarts") ?? 0),
    stopMsMax: readSpan(shown?.get("TimeoutStopUSec")),
    enableCommand: manager.commandFor("enable"),
    startCommand: manager.commandFor("start"),
    logCommand: manager.logCommand,
  };
}

async function systemdProperties(): Promise<Map<string, string>> {
  const names = ["ActiveState", "NRestarts", "TimeoutStopUSec"];
  const argv = ["systemctl", "show", "avail.service", ...names.map((name) => `--property=${name}`)];
  const said = await runBriefly(argv);
  const lines = "text" in said ? said.text.split("\n") : [];
  return new Map(lines.map((line): [string, string] => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  }));
}

const unitsMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** systemd.time(7) as `systemctl show` prints it: `1min 30s`; null: without end, or not told. */
export function readSpan(text: string | undefined): number | null {
  const parts = [...(text ?? "").matchAll(/([\d.]+)(us|ms|min|s|h|d)\b/g)];
  if (parts.length === 0) return null;
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * unitsMs[unit], 0);
}

/** Where avail writes while it runs, and where it keeps what it builds. */
function spaceOf(socket = "/run/avail/control.sock"): { path: string; freeKb: number }[] {
  const run = socket.slice(0, socket.lastIndexOf("/")) || "/";
  return [existing(run), existing("/etc/avail"), existing("/var/lib/avail")].flatMap((path) => {
    try {
      const { bavail, bsize } = statfsSync(path);
      return [{ path, freeKb: Number(bavail) * Number(bsize) / 1024 }];
    } catch {
      return [];
    }
  }).filter(({ path }, i, all) => all.findIndex((each) => each.path === path) === i);
}

/** The folder, or the nearest above it that is there. */
function existing(path: string): string {
  let at = path;
  while (at !== "/" && !isThere(at)) at = at.slice(0, at.lastIndexOf("/")) || "/";
  return at;
}

/** Names of processes; kernel threads and what ends meanwhile are passed over. */
function rivals(): string[] {
  const names = namesIn("/proc").filter((name) => /^\d+$/.test(name))
    .map((pid) => readText(`/proc/${pid}/comm`) ?? "");
  return rivalNames.filter((rival) => names.includes(rival));
}
