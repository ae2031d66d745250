/**
 * The xdp backend: attaches the programs of kmod/bpf/ to the shares' interfaces, and sets the node up
 * for them.
 *
 * Order on the way in: egress programs, so that nothing leaves with a shared address and the node's
 * own MAC; then settings and addresses; then ingress, deaf until there is a lease; then the groups.
 * On the way out the same in reverse, with the lease taken back first.
 */
import { openPinned, pinObject } from "../../ffi/bpf.ts";
import { close } from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { AvailError } from "../errors.ts";
import type { SteeringCounters } from "../ports.ts";
import {
  findPinDirectory,
  isDirectory,
  pinName,
  pinNames,
  preparePinDirectory,
  removePinDirectory,
} from "./bpf_fs.ts";
import { createMaps, type Maps } from "./bpf_load.ts";
import { type PackedObject, readPackedObject } from "./bpf_object.ts";
import { readLoadMap } from "./bucket_load.ts";
import type { DatapathAttachment, DatapathOptions } from "./datapath.ts";
import {
  addAddresses,
  checkAddresses,
  joinGroups,
  type ShareOnLink,
  takeBack,
  wantedChanges,
} from "./node_setup.ts";
import { applySettings } from "./kernel_settings.ts";
import { lookupPerCpu } from "./per_cpu.ts";
import { RouteSocket } from "./route_socket.ts";
import { findLinks, insideNetworks, type LinkedShare, natAddress } from "./share_links.ts";
import { removeIfThere, SharePrograms } from "./share_programs.ts";
import { encodeShare, sharedAddressesMax } from "./share_rodata.ts";
import { openStatePage, stateVersion } from "./state_page.ts";
import { keyOf, UndoLog, undoPath } from "./undo_log.ts";

export interface XdpOptions extends DatapathOptions {
  /** "tc" does without XDP; default "auto": native XDP where the driver has it. */
  readonly mode?: "auto" | "tc";
}

/** In the order of enum avail_count (kmod/state.h). */
const reasons = ["accepted", "notOwned", "leaseExpired", "malformed", "neighbour"] as const;

/** Attaches, or adopts what is attached; throws `AvailError`, and leaves nothing behind then. */
export function attachXdp(options: XdpOptions): DatapathAttachment {
  if (Deno.uid() !== 0) {
    throw new AvailError("attach the xdp datapath: not root; run avail as root");
  }
  const object = readPackedObject();
  using route = new RouteSocket();
  const links = route.links();
  const shares = findLinks(options.shares, links).map((share) => ({
    ...share,
    device: share.link,
  }));
  checkCounts(shares);
  Deno.mkdirSync(options.runDir, { recursive: true });
  const undo = new UndoLog(undoPath(options.runDir));
  checkAddresses(shares, route.addresses(), links, undo);
  try {
    return attach(options, object, shares, route, undo);
  } catch (error) {
    remove(options.runDir, route, undo);
    if (error instanceof SystemError) throw explain(error);
    throw error;
  }
}

/** Removes what a daemon that is no more left on this machine; nothing where there is nothing. */
export function removeXdp(runDir: string): void {
  using route = new RouteSocket();
  remove(runDir, route, new UndoLog(undoPath(runDir)));
}

/** Whether a datapath of this backend was left by a daemon that is no more. */
export function hasXdpRemains(runDir: string): boolean {
  const pins = findPinDirectory(runDir);
  return pins !== null && pinNames(pins).length > 0;
}

type Share = LinkedShare & ShareOnLink;

/** A kernel map's room is fixed. */
function checkCounts(shares: readonly Share[]): void {
  for (const share of shares) {
    for (const family of [4, 6]) {
      const count = share.addresses.filter((address) => address.family === family).length;
      if (count <= sharedAddressesMax) continue;
      throw new AvailError(
        `use ${share.interface} as a share: ${count} IPv${family} addresses; ` +
          `at most ${sharedAddressesMax} are possible`,
      );
    }
  }
}

function attach(
  options: XdpOptions,
  object: PackedObject,
  shares: readonly Share[],
  route: RouteSocket,
  undo: UndoLog,
): DatapathAttachment {
  const pins = preparePinDirectory(options.runDir, undo);
  const { maps, areNew } = openMaps(object, pins);
  const stateFd = maps.get("state")!, countsFd = maps.get("counts")!;
  const loadsFd = maps.get("loads")!;
  const steering = openStatePage(stateFd);
  const programs = shares.map((share) =>
    new SharePrograms(
      object,
      maps,
      pins,
      share.link,
      encodeShare(constantsOf(share, options, object.build)),
      options.mode ?? "auto",
    )
  );
  try {
    const found = programs.map((each) => each.compare());
    const isAdopted = found.length > 0 && found.every((each) => each !== "other");
    if (!isAdopted) steering.setLease(0); // buckets may mean something else now
    removeOthers(pins, shares);
    const isWanted = new Set(wantedChanges(shares).map(keyOf));
    takeBack(route, undo, (c) => c.kind !== "sysctl" && !isWanted.has(keyOf(c)));

    const replaced = programs.filter((_, i) => found[i] !== "same" || areNew);
    // Both ends are guarded before there is an address: without ingress, the frames that reach every
    // node would be answered by this one, too, as soon as it has the address.
    for (const each of replaced) each.attachEgress();
    for (const each of replaced) each.attachIngress();
    applySettings(shares, undo);
    addAddresses(shares, route, undo);
    joinGroups(shares, route, undo);

    return {
      backend: "xdp",
      steering: { kind: "page", fd: stateFd },
      adopted: isAdopted ? steering.current() : null,
      modes: new Map(programs.map((each, i) => [shares[i].interface, each.mode])),
      counters: () => readCounters(countsFd),
      bucketCounters: () => readLoadMap(loadsFd),
      keep: () => closeAll(maps),
      detach: () => {
        closeAll(maps);
        using own = new RouteSocket();
        remove(options.runDir, own, undo);
      },
    };
  } catch (error) {
    for (const each of programs) each.close();
    closeAll(maps);
    throw error;
  }
}

function constantsOf(share: Share, options: XdpOptions, build: string) {
  return {
    seed: options.seed,
    key: share.key,
    side: share.side,
    nat4: natAddress(share),
    inside: insideNetworks(options.shares),
    clusterMac: share.mac,
    nodeMac: share.link.mac,
    markMask: options.markMask ?? 0,
    addresses: share.addresses,
    ifindex: share.link.index,
    withoutXdp: options.mode === "tc",
    build,
  };
}

/**
 * The maps of all shares: those that are pinned, and new ones, which are then pinned, for what is
 * not: an older program that outlived its daemon may have had fewer. `areNew`: there is one that no
 * attached program knows.
 */
function openMaps(
  object: PackedObject,
  pins: string,
): { readonly maps: Maps; readonly areNew: boolean } {
  const maps = new Map<string, number>();
  let areNew = false;
  try {
    for (const map of object.maps) {
      const path = `${pins}/${map.name}${stateVersion}`;
      const pinned = openIfPinned(path);
      if (pinned !== null) {
        maps.set(map.name, pinned);
        continue;
      }
      areNew = true;
      for (const [name, fd] of createMaps({ ...object, maps: [map] })) maps.set(name, fd);
      pinObject(maps.get(map.name)!, path);
    }
    return { maps, areNew };
  } catch (error) {
    closeAll(maps);
    throw error;
  }
}

function openIfPinned(path: string): number | null {
  try {
    return openPinned(path);
  } catch (error) {
    if (error instanceof SystemError && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Takes away the pins of interfaces that are no shares any more. */
function removeOthers(pins: string, shares: readonly Share[]): void {
  const kept = new Set(shares.map((share) => pinName(share.interface)));
  for (const name of pinNames(pins)) {
    const path = `${pins}/${name}`;
    if (kept.has(name) || !isDirectory(path)) continue;
    for (const inner of pinNames(path)) Deno.removeSync(`${path}/${inner}`);
    Deno.removeSync(path);
  }
}

/** All of it, from whatever state: used by `detach`, after failures, and after crashes. */
function remove(runDir: string, route: RouteSocket, undo: UndoLog): void {
  const pins = findPinDirectory(runDir);
  if (pins !== null) stop(pins);
  // The addresses go while ingress still refuses all frames for them.
  takeBack(route, undo, (change) => change.kind !== "mount" && change.kind !== "sysctl");
  if (pins !== null) {
    for (const name of pinNames(pins).filter((each) => isDirectory(`${pins}/${each}`))) {
      for (const ingress of ["xdp", "ingress"]) removeIfThere(`${pins}/${name}/${ingress}`);
    }
    removePinDirectory(pins, undo);
  }
  takeBack(route, undo, (change) => change.kind === "sysctl");
}

/** Takes the lease back, so that the egress programs fence what is on its way. */
function stop(pins: string): void {
  try {
    const fd = openPinned(`${pins}/state${stateVersion}`);
    openStatePage(fd).setLease(0);
    close(fd);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

function closeAll(maps: Maps): void {
  for (const fd of maps.values()) close(fd);
}

function readCounters(fd: number): SteeringCounters {
  const sums = reasons.map((_, reason) =>
    Number(lookupPerCpu(fd, reason, 8).reduce((sum, value) => sum + value, 0n))
  );
  const [accepted, notOwned, leaseExpired, malformed, neighbour] = sums;
  return { accepted, dropped: { notOwned, leaseExpired, malformed, neighbour } };
}

function explain(error: SystemError): AvailError {
  const remedy = error.code === "ENOSYS"
    ? `; Linux ${Deno.osRelease()} has no bpf(2)`
    : error.code === "EPERM"
    ? "; it takes CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN"
    : "";
  return new AvailError(`attach the xdp datapath: ${error.message}${remedy}`, { cause: error });
}
