/** Takes the kernel module off a system: out of the running kernel, and what was built of it for any kernel. */
import { AvailError } from "../../errors.ts";
import { moduleName } from "./kernel_facts.ts";
import { unloadModule } from "./load.ts";
import { removeAll } from "./source.ts";
import { findTool, runTool, toolFolders } from "./tools.ts";
import type { Tree } from "./tree.ts";

export type RemovalStep =
  | { readonly kind: "unload" }
  /** Runs a program. */
  | { readonly kind: "run"; readonly argv: readonly string[] }
  /** Removes a file or a folder; a path of the system. */
  | { readonly kind: "remove"; readonly path: string };

/** Where `avail kmod build` installs without DKMS. */
const installed = (release: string) => `/lib/modules/${release}/updates/${moduleName}.ko`;

/** What has to be done; nothing where there is no module. */
export function planRemoval(tree: Tree): RemovalStep[] {
  const steps: RemovalStep[] = [];
  const isRunningSystem = tree.root === "";
  if (isRunningSystem && tree.exists(`/sys/module/${moduleName}`)) steps.push({ kind: "unload" });
  const dkms = isRunningSystem ? findTool(toolFolders(), "dkms") : null;
  for (const version of tree.list(`/var/lib/dkms/${moduleName}`)) {
    if (!tree.exists(`/var/lib/dkms/${moduleName}/${version}/source`)) continue;
    if (dkms !== null) {
      steps.push({ kind: "run", argv: [dkms, "remove", `${moduleName}/${version}`, "--all"] });
    }
  }
  for (const name of tree.list("/usr/src")) {
    if (name.startsWith(`${moduleName}-`)) steps.push({ kind: "remove", path: `/usr/src/${name}` });
  }
  const depmod = findTool(toolFolders(), "depmod");
  for (const release of tree.list("/lib/modules")) {
    if (!tree.exists(installed(release))) continue;
    steps.push({ kind: "remove", path: installed(release) });
    const base = isRunningSystem ? [] : ["-b", tree.root];
    if (depmod !== null) steps.push({ kind: "run", argv: [depmod, ...base, release] });
  }
  return steps;
}

/** Throws `AvailError`. */
export function performRemoval(step: RemovalStep, tree: Tree): void {
  switch (step.kind) {
    case "unload":
      unloadModule();
      return;
    case "run": {
      const { code, stderr } = runTool(step.argv);
      // Without depmod, the index names a file that is gone; that is no reason to stop half way.
      if (code === 0 || step.argv[0].endsWith("/depmod")) return;
      throw new AvailError(
        `remove the kernel module: ${step.argv.join(" ")}: exit code ${code}: ${stderr.trim()}`,
      );
    }
    case "remove": {
      const found = tree.find(step.path);
      if (found !== null) removeAll(found);
      return;
    }
  }
}

export function describeRemoval(step: RemovalStep): string {
  switch (step.kind) {
    case "unload":
      return `rmmod ${moduleName}`;
    case "run":
      return step.argv.join(" ");
    case "remove":
      return step.path;
  }
}
