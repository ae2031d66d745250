/**
 * Installs the program on this machine, or into the system beneath a folder. The same once more changes
 * nothing; another version replaces the old one file by file, each at once.
 */
import { AvailError } from "../../errors.ts";
import { version } from "../../version.ts";
import type { BuildReport } from "../kernel_module/build.ts";
import { Tree } from "../kernel_module/tree.ts";
import { type BootStep, findServiceManager, type ServiceManager } from "../service_manager.ts";
import type { ServiceManagerKind } from "../service/detect.ts";
import { scriptFile, unitFile } from "../service/names.ts";
import { type Change, changesFor, removing, type Step } from "./changes.ts";
import { type DatapathOutlook, prepareDatapath } from "./datapath_outlook.ts";
import { configFolder, layout, programName, stateFolder, type Texts } from "./layout.ts";
import { formatManifest, type Manifest, manifestFile, readManifest } from "./manifest.ts";
import { Place } from "./place.ts";
import { chooseProgramFolder } from "./program_folder.ts";

export interface InstallOptions {
  /** The executable's content. */
  readonly program: Uint8Array<ArrayBuffer>;
  readonly texts: Texts;
  /** The system's root; default: the running one's. */
  readonly root?: string;
  /** Folder for the executable, instead of the first fitting one. */
  readonly programFolder?: string;
  /** Whether the kernel module is built where it can be. */
  readonly withModule: boolean;
  readonly isDryRun: boolean;
}

export interface InstallReport extends BuildReport {
  /** A step that was done, or would be. */
  did(step: Step): void;
}

/** `avail install --json` (docs/operating.md). */
export interface Installed {
  readonly schema: 1;
  readonly dryRun: boolean;
  /** `/`, or the folder of `--root`. */
  readonly root: string;
  readonly version: string;
  readonly sha256: string;
  /** What was installed before; null: nothing. */
  readonly previous: { readonly version: string; readonly sha256: string } | null;
  readonly program: string;
  readonly changed: boolean;
  readonly steps: readonly Step[];
  readonly serviceManager: ServiceManagerKind;
  /** Null for another system than the running one. */
  readonly datapath: DatapathOutlook | null;
  readonly configured: boolean;
  readonly running: boolean;
  /** Commands, or sentences, of what comes next. */
  readonly next: readonly string[];
}

/** Throws `AvailError`; what was done until then stays, and the next attempt goes on from there. */
export async function install(options: InstallOptions, report: InstallReport): Promise<Installed> {
  const { program, texts, isDryRun } = options;
  const tree = new Tree(options.root);
  const place = new Place(tree);
  const isRunningSystem = tree.root === "";
  if (isRunningSystem && !isDryRun && Deno.uid() !== 0) {
    throw new AvailError(`install: user ${Deno.uid()} may not write there; run this as root`);
  }
  const manager = findServiceManager(options.root);
  const old = readManifest(tree);
  const programFolder = options.programFolder ?? folderOf(old) ??
    chooseProgramFolder(tree, isRunningSystem ? mountinfo() : null);
  const items = layout({ tree, kind: manager.kind, programFolder, program, texts });
  const changes = changesFor(items, place);
  const files = items.filter(({ kind }) => kind === "file").map(({ path }) => path);
  const obsolete = (old?.files ?? []).filter((path) => !files.includes(path))
    .filter((path) => place.stat(path) !== null)
    .map((path) => removing(place, path, "no part of avail any more"));
  const boot = manager.isEnabled() ? null : manager.bootStep("enable");
  const sha256 = await digestOf(program);
  const manifest: Manifest = {
    schema: 1,
    version,
    sha256,
    program: `${programFolder}/${programName}`,
    files,
    folders: [...new Set([...(old?.folders ?? []), ...made(changes, boot, place)])],
  };

  const steps: Step[] = [];
  const did = (step: Step) => {
    steps.push(step);
    report.did(step);
  };
  // What a first installation did is written down before it is done, for the case that it fails half way.
  if (!isDryRun && old === null) writeManifest(manifest, place);
  for (const { step, carryOut } of [...changes, ...obsolete]) {
    if (!isDryRun) carryOut();
    did(step);
  }
  if (!isDryRun) {
    writeManifest(manifest, place);
    if (steps.some(({ path }) => path === unitFile)) await manager.forgetUnits();
    if (boot !== null) await manager.enable();
  }
  if (boot !== null) did({ action: boot.action, path: boot.words, what: "starts it at boot" });
  const datapath = isRunningSystem && options.withModule
    ? await prepareDatapath(report, isDryRun)
    : null;

  const configured = place.stat(`${configFolder}/avail.toml`) !== null;
  const running = await manager.isRunning();
  const serviceChanged = steps.some(({ path }) =>
    [manifest.program, unitFile, scriptFile].includes(path)
  );
  return {
    schema: 1,
    dryRun: isDryRun,
    root: tree.root || "/",
    version,
    sha256,
    previous: old && { version: old.version, sha256: old.sha256 },
    program: manifest.program,
    changed: steps.length > 0 || (datapath?.steps.length ?? 0) > 0,
    steps,
    serviceManager: manager.kind,
    datapath,
    configured,
    running,
    next: whatNext({ tree, manager, configured, running, serviceChanged }),
  };
}

function whatNext({ tree, manager, configured, running, serviceChanged }: {
  readonly tree: Tree;
  readonly manager: ServiceManager;
  readonly configured: boolean;
  readonly running: boolean;
  readonly serviceChanged: boolean;
}): string[] {
  if (tree.root !== "") {
    return configured
      ? ["boot the image; the service starts by itself"]
      : [`put avail.toml and cluster.key into ${tree.root}${configFolder}, or on the booted node:`]
        .concat(["avail init", "avail join TOKEN"]);
  }
  if (!configured) return ["avail init", "avail join TOKEN"];
  if (!running) return [manager.commandFor("start") ?? "avail run"];
  return serviceChanged ? [`${manager.commandFor("restart") ?? "avail run"}`] : [];
}

function writeManifest(manifest: Manifest, place: Place): void {
  const text = formatManifest(manifest);
  if (place.tree.readText(manifestFile) === text) return;
  place.makeFolder(stateFolder, 0o755);
  place.writeFile(manifestFile, new TextEncoder().encode(text), 0o644);
}

/** Folders that are ours to remove one day; those of the configuration and the state go anyway. */
function made(changes: readonly Change[], boot: BootStep | null, place: Place): string[] {
  const forLinks = (boot?.links ?? []).flatMap((link) => place.missingFolders(link));
  return [...changes.flatMap(({ folders }) => folders), ...forLinks]
    .filter((path) => path !== configFolder && path !== stateFolder);
}

function folderOf(old: Manifest | null): string | null {
  return old && old.program.slice(0, old.program.lastIndexOf("/"));
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function mountinfo(): string | null {
  try {
    return Deno.readTextFileSync("/proc/self/mountinfo");
  } catch {
    return null;
  }
}
