/** Symbolic links of a system under any root, made and taken away where their folders are there. */
import type { Tree } from "../kernel_module/tree.ts";

/** These folders of links are made where the service manager's own folder is there. */
const makeable = /^\/etc\/(systemd\/system\/[\w.-]+\.wants|runlevels\/\w+)$/;

/** Whether the system has a folder for the link, or can be given one. */
export function hasPlace(tree: Tree, link: string, mayMake: boolean): boolean {
  const folder = parentOf(link);
  return tree.exists(folder) || (mayMake && makeable.test(folder) && tree.exists(parentOf(folder)));
}

/** Makes or removes the links that have a place. Links that are right are left alone. */
export function setLinks(
  tree: Tree,
  links: readonly (readonly [link: string, target: string])[],
  isThere: boolean,
): void {
  for (const [link, target] of links) {
    if (!hasPlace(tree, link, isThere)) continue;
    const folder = parentOf(link);
    if (!tree.exists(folder)) {
      Deno.mkdirSync(`${tree.find(parentOf(folder))}/${nameOf(folder)}`, { mode: 0o755 });
    }
    const path = `${tree.find(folder)}/${nameOf(link)}`;
    if (isThere) replaceLink(path, target);
    else removeLink(path);
  }
}

function replaceLink(path: string, target: string): void {
  if (linkTarget(path) === target) return;
  removeLink(`${path}.new`);
  Deno.symlinkSync(target, `${path}.new`);
  Deno.renameSync(`${path}.new`, path);
}

function removeLink(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function linkTarget(path: string): string | null {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return null;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
