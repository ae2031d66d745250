/** Removes avail from this machine, or from the system beneath a folder: nothing is left but what is asked for. */
import { AvailError } from "../../errors.ts";
import { describeRemoval, performRemoval, planRemoval } from "../kernel_module/remove.ts";
import { Tree } from "../kernel_module/tree.ts";
import { findServiceManager } from "../service_manager.ts";
import { bootLinks, logFile, scriptFile, unitFile } from "../service/names.ts";
import type { Step } from "./changes.ts";
import {
  completionFiles,
  configFolder,
  logRotationFile,
  manPageFile,
  programName,
  stateFolder,
} from "./layout.ts";
import { type Daemon, leaveCluster } from "./leave.ts";
import { readManifest } from "./manifest.ts";
import { Place } from "./place.ts";
import { programFolders } from "./program_folder.ts";

export interface UninstallOptions {
  /** The system's root; default: the running one's. */
  readonly root?: string;
  readonly keepConfig: boolean;
  readonly isForced: boolean;
  readonly isDryRun: boolean;
  /** This node's daemon, if one runs. */
  readonly daemon: Daemon;
  /** Puts back what a daemon that was killed left in the kernel; whether there was anything. */
  readonly removeRemains: (isDryRun: boolean) => boolean;
}

/** `avail uninstall --json` (docs/operating.md). */
export interface Uninstalled {
  readonly schema: 1;
  readonly dryRun: boolean;
  readonly root: string;
  /** What was installed; null where nothing says so. */
  readonly version: string | null;
  readonly changed: boolean;
  readonly steps: readonly Step[];
  /** What was kept on request, or could not be removed. */
  readonly kept: readonly string[];
}

/** How long a node may take to hand over; where connections may hold it longer, it has to be drained first. */
const leaveTimeoutMs = 90_000;
const leavePollMs = 250;

/** Throws `AvailError`; nothing is removed while the node handles buckets that nobody can take. */
export async function uninstall(
  options: UninstallOptions,
  report: (step: Step) => void,
): Promise<Uninstalled> {
  const { keepConfig, isForced, isDryRun } = options;
  const tree = new Tree(options.root);
  const place = new Place(tree);
  const isRunningSystem = tree.root === "";
  if (isRunningSystem && !isDryRun && Deno.uid() !== 0) {
    throw new AvailError(`uninstall: user ${Deno.uid()} may not remove it; run this as root`);
  }
  const manager = findServiceManager(options.root);
  const manifest = readManifest(tree);
  const steps: Step[] = [];
  const did = (action: Step["action"], path: string, what: string) => {
    const step = { action, path, what };
    steps.push(step);
    report(step);
  };

  if (isRunningSystem) {
    const timing = { isForced, isDryRun, timeoutMs: leaveTimeoutMs, pollMs: leavePollMs };
    await leaveCluster(
      options.daemon,
      manager,
      timing,
      (command, what) => did("run", command, what),
    );
    if (options.removeRemains(isDryRun)) did("run", "undo", "what a killed daemon left behind");
  }
  const boot = manager.isEnabled() ? manager.bootStep("disable") : null;
  if (boot !== null) {
    if (!isDryRun) await manager.disable();
    did(boot.action, boot.words, "not started at boot any more");
  }
  const taken = new Set(boot?.links ?? []);
  const take = (path: string, what: string, isFile = false) => {
    if (taken.has(path) || !place.isThere(path)) return;
    taken.add(path);
    if (!isDryRun && !(isFile ? place.removeFile(path) : place.remove(path))) return;
    did("remove", path, what);
  };
  // systemd's own links, where another service manager is at work.
  for (const [link] of Object.values(bootLinks).flat()) take(link, "not started at boot any more");
  const hadUnit = place.isThere(unitFile);
  const program = manifest?.program ?? null;
  const files = manifest?.files ?? usualFiles(place);
  for (const path of files.filter((path) => path !== program)) take(path, "", true);
  if (hadUnit && !isDryRun) {
    await manager.forgetUnits();
    await manager.forgetFailure();
  }
  for (const step of planRemoval(tree)) {
    if (!isDryRun) performRemoval(step, tree);
    did(step.kind === "remove" ? "remove" : "run", describeRemoval(step), "the kernel module");
  }
  for (const path of logFiles(tree)) take(path, "log");
  for (const path of runFolders) {
    if (isRunningSystem) take(path, "what the daemon kept while it ran");
  }
  if (!keepConfig) {
    for (const path of ownSettings) take(path, "settings of the service");
    take(configFolder, "configuration and key");
  }
  // The program goes late: until here, an attempt that failed can be repeated.
  if (program !== null) take(program, "the program", true);
  take(stateFolder, "state");
  for (const path of (manifest?.folders ?? []).toReversed()) {
    if (!isDryRun && place.removeEmptyFolder(path)) did("remove", path, "empty");
  }
  return {
    schema: 1,
    dryRun: isDryRun,
    root: tree.root || "/",
    version: manifest?.version ?? null,
    changed: steps.length > 0,
    steps,
    kept: [configFolder, ...ownSettings].filter((path) => keepConfig && place.isThere(path)),
  };
}

/** Where an installation of any version puts its files, for one that wrote nothing down. */
function usualFiles(place: Place): string[] {
  return [
    ...Object.values(completionFiles),
    ...[manPageFile, logRotationFile, unitFile, scriptFile],
    // Not in the other folders: what is there may be a distribution's own.
    `${programFolders[0]}/${programName}`,
  ].filter((path) => place.isThere(path));
}

/** What administrators write beside the service's files. */
const ownSettings = [`${unitFile}.d`, "/etc/default/avail", "/etc/conf.d/avail"];

/** The daemon's, and where the program is unpacked when its usual place does not fit. */
const runFolders = ["/run/avail", "/run/avail-runtime", "/var/cache/avail"];

/** With those that logrotate put aside. */
function logFiles(tree: Tree): string[] {
  const slash = logFile.lastIndexOf("/");
  const [folder, name] = [logFile.slice(0, slash), logFile.slice(slash + 1)];
  return tree.list(folder).filter((entry) => entry === name || entry.startsWith(`${name}.`))
    .map((entry) => `${folder}/${entry}`);
}
