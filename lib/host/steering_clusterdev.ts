/**
 * The clusterdev backend: one device of the kernel module on top of each share's interface. The module
 * receives, answers, fences and counts; lease and responsibility lie in one page of /dev/clusterdev that
 * all devices of the node go by (kmod/clusterdev/clusterdev.h).
 *
 *     cluster0   the shared addresses; a route to the network where the node has no own address
 *        |
 *      eth0      the node's own address, its heartbeats, the group membership
 *
 * Order on the way in: devices, which have no lease and so are deaf and mute; settings; up; addresses and
 * routes; groups. On the way out the same in reverse, with the lease taken back first.
 */
import { close, ioctl, openForWriting } from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { AvailError } from "../errors.ts";
import type { ClusterDevice } from "../netlink/clusterdev.ts";
import type { Link } from "../netlink/rtnetlink.ts";
import type { SteeringCounters } from "../ports.ts";
import { readLoadFile } from "./bucket_load.ts";
import {
  checkNames,
  describeTaken,
  deviceChange,
  findDevice,
  isAsPlanned,
  planDevices,
  type PlannedDevice,
} from "./cluster_device.ts";
import type { DatapathAttachment, DatapathOptions } from "./datapath.ts";
import { whyNoClusterdev } from "./kernel_module.ts";
import { applyDeviceSettings, applySettings } from "./kernel_settings.ts";
import {
  addAddresses,
  checkAddresses,
  joinGroups,
  type ShareOnLink,
  takeBack,
  wantedChanges,
} from "./node_setup.ts";
import { RouteSocket } from "./route_socket.ts";
import { findLinks, type LinkedShare } from "./share_links.ts";
import { openStatePage } from "./state_page.ts";
import { keyOf, UndoLog, undoPath } from "./undo_log.ts";

const stateFile = "/dev/clusterdev";
/** _IOW('c', 0xcd, __u32) */
export const CLUSTERDEV_IOC_ADOPT = 0x400463cd;

/** Attaches, or adopts what is attached; throws `AvailError`, and leaves nothing behind then. */
export function attachClusterdev(options: DatapathOptions): DatapathAttachment {
  if (Deno.uid() !== 0) {
    throw new AvailError("attach the clusterdev datapath: not root; run avail as root");
  }
  using route = new RouteSocket();
  requireModule(route);
  const links = route.links();
  const shares = findLinks(options.shares, links);
  const planned = planDevices(shares, options);
  Deno.mkdirSync(options.runDir, { recursive: true });
  const undo = new UndoLog(undoPath(options.runDir));
  checkNames(planned, links, undo);
  checkAddresses(shares, route.addresses(), links, undo);
  try {
    return attach(shares, planned, links, route, undo);
  } catch (error) {
    remove(route, undo);
    if (error instanceof SystemError) throw explain(error);
    throw error;
  }
}

/** Removes what a daemon that is no more left on this machine; nothing where there is nothing. */
export function removeClusterdev(runDir: string): void {
  using route = new RouteSocket();
  remove(route, new UndoLog(undoPath(runDir)));
}

/** Whether devices of this backend were left by a daemon that is no more. */
export function hasClusterdevRemains(runDir: string): boolean {
  return new UndoLog(undoPath(runDir)).changes.some(({ kind }) => kind === "link");
}

function attach(
  shares: readonly LinkedShare[],
  planned: readonly PlannedDevice[],
  links: readonly Link[],
  route: RouteSocket,
  undo: UndoLog,
): DatapathAttachment {
  const present = route.clusterDevices();
  const found = planned.map((device) => findDevice(present, device));
  const isAdopted = found.length > 0 &&
    found.every((device, i) => device !== undefined && isAsPlanned(device, planned[i]));
  // A log that was lost says nothing about them, but by name and place they are ours.
  planned.forEach((device, i) => found[i] && undo.record(deviceChange(device)));
  if (!isAdopted) {
    stop(route, undo); // buckets may mean something else now
    takeBack(route, undo, isOfDevices);
  }

  const page = openPage();
  try {
    const devices = isAdopted
      ? adoptDevices(page, planned, found as ClusterDevice[], route)
      : makeDevices(page, planned, links, route, undo);
    const onDevices = shares.map((share, i) => ({ ...share, device: devices[i] }));
    const wanted = [...planned.map(deviceChange), ...wantedChanges(onDevices)].map(keyOf);
    takeBack(route, undo, (change) => isOfDevices(change) && !wanted.includes(keyOf(change)));
    setUp(onDevices, route, undo);

    const adopted = isAdopted ? openStatePage(page).current() : null;
    return {
      backend: "clusterdev",
      steering: { kind: "page", fd: page },
      adopted,
      modes: new Map(onDevices.map(({ link, device }) => [link.name, device.name])),
      devices: new Map(onDevices.map(({ link, device }) => [link.name, device.name])),
      counters: () => readCounters(devices.map(({ index }) => index)),
      bucketCounters: () => readLoadFile(page),
      keep: () => close(page),
      detach: () => {
        close(page);
        using own = new RouteSocket();
        remove(own, undo);
      },
    };
  } catch (error) {
    close(page);
    throw error;
  }
}

/** Settings stay until the very end, and mounts are the xdp backend's. */
const isOfDevices = (change: { readonly kind: string }) =>
  change.kind !== "sysctl" && change.kind !== "mount";

function setUp(shares: readonly ShareOnLink[], route: RouteSocket, undo: UndoLog): void {
  applySettings(shares, undo);
  for (const share of shares) {
    applyDeviceSettings(share.device, share);
    route.setLinkUp(share.device.index);
  }
  addAddresses(shares, route, undo);
  joinGroups(shares, route, undo);
}

function makeDevices(
  page: number,
  planned: readonly PlannedDevice[],
  links: readonly Link[],
  route: RouteSocket,
  undo: UndoLog,
): ClusterDevice[] {
  for (const device of planned) {
    const change = deviceChange(device);
    undo.record(change);
    try {
      route.createClusterDevice({ ...device, stateFd: page });
    } catch (error) {
      undo.forget(change);
      if (!(error instanceof SystemError) || error.code !== "EBUSY") throw error;
      const lower = links.find(({ index }) => index === device.lower)!;
      throw new AvailError(
        `make ${device.name} on ${lower.name}: ${error.message}; ${describeTaken(lower, links)}`,
        { cause: error },
      );
    }
  }
  const made = route.clusterDevices();
  return planned.map((device) => {
    const found = findDevice(made, device);
    if (found === undefined) throw new AvailError(`make ${device.name}: it is gone again`);
    return found;
  });
}

/** Has this process share the page that the devices go by. */
function adoptDevices(
  page: number,
  planned: readonly PlannedDevice[],
  found: readonly ClusterDevice[],
  route: RouteSocket,
): readonly ClusterDevice[] {
  ioctl(page, CLUSTERDEV_IOC_ADOPT, new Uint8Array(Uint32Array.of(found[0].index).buffer));
  for (const { index } of found.slice(1, planned.length)) {
    route.changeClusterDevice(index, { stateFd: page });
  }
  return found;
}

/** All of it, from whatever state: used by `detach`, after failures, and after crashes. */
function remove(route: RouteSocket, undo: UndoLog): void {
  stop(route, undo);
  takeBack(route, undo, isOfDevices);
  takeBack(route, undo, (change) => change.kind === "sysctl");
}

/** Takes the lease back, so that the devices fence what is on its way. */
function stop(route: RouteSocket, undo: UndoLog): void {
  const ours = route.clusterDevices().filter(({ name, lower }) =>
    lower !== null && undo.has(deviceChange({ name, lower }))
  );
  for (const { index } of ours) {
    try {
      route.changeClusterDevice(index, { lease: 0n });
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== "ENODEV") throw error;
    }
  }
}

function readCounters(indices: readonly number[]): SteeringCounters {
  using route = new RouteSocket();
  const counts = route.clusterDevices().filter(({ index }) => indices.includes(index))
    .map((device) => device.counts);
  const sum = (name: keyof ClusterDevice["counts"]) =>
    counts.reduce((total, each) => total + each[name], 0);
  return {
    accepted: sum("accepted"),
    dropped: {
      notOwned: sum("notOwned"),
      leaseExpired: sum("leaseExpired"),
      malformed: sum("malformed"),
      neighbour: sum("neighbour"),
    },
  };
}

// ---- what the machine may lack

function requireModule(route: RouteSocket): void {
  try {
    if (route.hasClusterDevices()) return;
  } catch (error) {
    if (error instanceof SystemError) throw explain(error);
    throw error;
  }
  throw new AvailError(
    `attach the clusterdev datapath: ${whyNoClusterdev()}, or write datapath.backend = "xdp"`,
  );
}

function openPage(): number {
  try {
    return openForWriting(stateFile);
  } catch (cause) {
    if (!(cause instanceof SystemError) || cause.code !== "ENOENT") throw cause;
    throw new AvailError(
      `open ${stateFile}: not there, though the module is loaded; ` +
        `mount devtmpfs on /dev, or make it: mknod -m 600 ${stateFile} c 10 ${minorNumber()}`,
      { cause },
    );
  }
}

/** Lines of /proc/misc are `MINOR NAME`. */
function minorNumber(): string {
  const listed = /^\s*(\d+) clusterdev$/m.exec(Deno.readTextFileSync("/proc/misc"));
  return listed?.[1] ?? "MINOR (of clusterdev in /proc/misc)";
}

function explain(error: SystemError): AvailError {
  const remedy = error.code === "EPERM" ? "; it takes CAP_NET_ADMIN" : "";
  return new AvailError(`attach the clusterdev datapath: ${error.message}${remedy}`, {
    cause: error,
  });
}
