/** The devices that the module serves, in all network namespaces that can be seen from here. */
import { RouteSocket } from "../route_socket.ts";
import { moduleName } from "./kernel_facts.ts";
import { findTool, runTool, toolFolders } from "./tools.ts";

export interface ModuleDevice {
  readonly name: string;
  /** `netns NAME` or `the namespace of process PID`; null: our own. */
  readonly namespace: string | null;
}

/** Other namespaces are asked by `ip` and `nsenter`, where these are installed. */
export function moduleDevices(): ModuleDevice[] {
  using socket = new RouteSocket();
  const own = socket.links().filter(({ kind }) => kind === moduleName)
    .map(({ name }) => ({ name, namespace: null }));
  return [...own, ...namespaces().flatMap(({ words, enter }) => devicesIn(words, enter))];
}

interface Namespace {
  readonly words: string;
  /** The words that run a command in it. */
  readonly enter: readonly string[];
}

/** All but our own, each once: by its processes, or by its name where it has none. */
function namespaces(): Namespace[] {
  const folders = toolFolders();
  const nsenter = findTool(folders, "nsenter");
  if (nsenter === null) return [];
  const seen = new Set([inodeOf("/proc/self/ns/net")]);
  const found: Namespace[] = [];
  const add = (path: string, words: string) => {
    const inode = inodeOf(path);
    if (inode === null || seen.has(inode)) return;
    seen.add(inode);
    found.push({ words, enter: [nsenter, `--net=${path}`] });
  };
  for (const name of namesIn("/run/netns")) add(`/run/netns/${name}`, `netns ${name}`);
  for (const name of namesIn("/proc")) {
    if (/^\d+$/.test(name)) add(`/proc/${name}/ns/net`, `the namespace of process ${name}`);
  }
  return found;
}

function devicesIn(namespace: string, enter: readonly string[]): ModuleDevice[] {
  const ip = findTool(toolFolders(), "ip");
  if (ip === null) return [];
  const { stdout } = runTool([...enter, ip, "-o", "link", "show", "type", moduleName]);
  // `7: cluster0@eth0: <…`
  return [...stdout.matchAll(/^\d+: ([^:@\s]+)/gm)].map(([, name]) => ({ name, namespace }));
}

function inodeOf(path: string): number | null {
  try {
    return Deno.statSync(path).ino;
  } catch {
    return null;
  }
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}
