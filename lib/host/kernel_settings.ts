/**
 * What the kernel must do differently on a node of a cluster (/proc/sys). Old values are written into
 * the undo log first.
 *
 * rp_filter of the shares' interfaces is left alone: with the connected route that is added where it is
 * missing, a share's network is reached through the share, so that the strict filter passes what is
 * right. A cluster device is different: what it receives is answered through the interface below.
 */
import { AvailError } from "../errors.ts";
import type { LinkName, ShareOnLink } from "./node_setup.ts";
import type { UndoLog } from "./undo_log.ts";

/** Sets what the kernel must do differently on a node of a cluster. */
export function applySettings(shares: readonly ShareOnLink[], undo: UndoLog): void {
  const isRouter = shares.some((share) => share.key !== "source");
  const set = (path: string, value: string) => setSysctl(undo, path, value);

  // Replication needs every flow's events, also of those older than its listener, and a backup meets
  // connections in the middle of their windows.
  set("net/netfilter/nf_conntrack_events", "1");
  set("net/netfilter/nf_conntrack_tcp_be_liberal", "1");
  // A shared address is answered for on its own share only, and other interfaces' questions do not
  // carry it. The kernel takes the larger of "all" and the interface's own setting.
  set("net/ipv4/conf/all/arp_ignore", "1");
  set("net/ipv4/conf/all/arp_announce", "2");
  // Or-ed with the interface's own: a redirect would name one node's own MAC.
  if (isRouter) set("net/ipv4/conf/all/send_redirects", "0");
  for (const { link } of shares) {
    const own = (family: 4 | 6, name: string) => `net/ipv${family}/conf/${link.name}/${name}`;
    set(own(4, "arp_ignore"), "1");
    set(own(4, "arp_announce"), "2");
    if (isRouter) set(own(4, "send_redirects"), "0");
    // A carrier that comes and goes must not take the shared IPv6 addresses with it.
    if (hasIpv6(link.name)) set(own(6, "keep_addr_on_down"), "1");
  }
  if (isRouter) enableForwarding(undo);
}

/**
 * Settings of a cluster device that was just made and is down; they go with it, so they are not
 * written down. To be called after `applySettings`.
 */
export function applyDeviceSettings(device: LinkName, { link, key }: ShareOnLink): void {
  const isRouter = key !== "source";
  const path = (family: 4 | 6, name: string, of = device.name) =>
    `net/ipv${family}/conf/${of}/${name}`;
  const set = (family: 4 | 6, name: string, value: string) =>
    writeSysctl(path(family, name), value);

  set(4, "arp_ignore", "1");
  set(4, "arp_announce", "2");
  if (isRouter) set(4, "send_redirects", "0");
  set(4, "forwarding", readSysctl(path(4, "forwarding", link.name)));
  // The kernel takes the larger of "all" and the device's own; 2 (loose) asks for any way back.
  if (readSysctl(path(4, "rp_filter", "all")) === "1" || readSysctl(path(4, "rp_filter")) === "1") {
    set(4, "rp_filter", "2");
  }
  if (!hasIpv6(device.name)) return;
  set(6, "disable_ipv6", isIpv6Off(link.name) ? "1" : "0");
  // Nothing of its own: an address that is made from the cluster MAC would be every node's.
  set(6, "addr_gen_mode", "1"); // IN6_ADDR_GEN_MODE_NONE
  set(6, "accept_ra", "0");
  set(6, "keep_addr_on_down", "1");
  if (hasIpv6(link.name)) set(6, "forwarding", readSysctl(path(6, "forwarding", link.name)));
}

const forwardingSwitch = { 4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding" } as const;

/**
 * Forwarding, for all interfaces: the switch overwrites the settings of each of them, and for IPv4
 * whether redirects are accepted, so these are written down first.
 */
function enableForwarding(undo: UndoLog): void {
  for (const family of [4, 6] as const) {
    const all = forwardingSwitch[family];
    const root = `/proc/sys/net/ipv${family}/conf`;
    if (!exists(root) || readSysctl(all) === "1") continue;
    for (const { name } of Deno.readDirSync(root)) {
      if (name !== "all") recordSysctl(undo, `net/ipv${family}/conf/${name}/forwarding`);
    }
    if (family === 4) recordSysctl(undo, "net/ipv4/conf/all/accept_redirects");
    setSysctl(undo, all, "1");
  }
}

/** Whether the interface, or the kernel, does without IPv6. */
export function isIpv6Off(name: string): boolean {
  return !hasIpv6(name) || readSysctl(`net/ipv6/conf/${name}/disable_ipv6`) === "1";
}

function hasIpv6(name: string): boolean {
  return exists(`/proc/sys/net/ipv6/conf/${name}`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function readSysctl(path: string): string {
  try {
    return Deno.readTextFileSync(`/proc/sys/${path}`).trim();
  } catch (cause) {
    const remedy = path.includes("nf_conntrack")
      ? "this kernel has no connection tracking loaded: modprobe nf_conntrack"
      : "this kernel lacks the setting";
    throw new AvailError(`read /proc/sys/${path}: not there; ${remedy}`, { cause });
  }
}

function recordSysctl(undo: UndoLog, path: string): void {
  undo.record({ kind: "sysctl", path, old: readSysctl(path) });
}

function setSysctl(undo: UndoLog, path: string, value: string): void {
  if (readSysctl(path) === value) return;
  recordSysctl(undo, path);
  writeSysctl(path, value);
}

function writeSysctl(path: string, value: string): void {
  try {
    Deno.writeTextFileSync(`/proc/sys/${path}`, value);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AvailError(`set /proc/sys/${path} to ${value}: ${why}`, { cause });
  }
}

/** Puts a setting back; an interface that went away took its settings with it. */
export function restoreSysctl(path: string, old: string): void {
  try {
    if (Deno.readTextFileSync(`/proc/sys/${path}`).trim() === old) return;
    Deno.writeTextFileSync(`/proc/sys/${path}`, old);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
