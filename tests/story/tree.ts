/** A fresh Debian as its installer leaves it: made once by debootstrap, and copied by overlays. */
import { tool } from "../../cli/demo/tool.ts";
import { aptMirrors } from "../apt_mirrors.ts";

const root = new URL("../../", import.meta.url).pathname;
const suite = "bookworm";

/** The folder of the tree; made where it is not there yet, which takes a minute or two. */
export async function freshTree(): Promise<string> {
  const folder = `${root}.cache/trees/${suite}`;
  if (await exists(`${folder}/bin/sh`)) return folder;
  await Deno.mkdir(`${root}.cache/trees`, { recursive: true });
  using lock = await Deno.open(`${root}.cache/trees/lock`, { create: true, write: true });
  await lock.lock(true);
  if (await exists(`${folder}/bin/sh`)) return folder;
  const unfinished = `${folder}.new`;
  await tool(["rm", "-rf", unfinished]);
  await tool(["debootstrap", "--variant=minbase", suite, unfinished, (await aptMirrors()).debian]);
  await Deno.rename(unfinished, folder);
  return folder;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
