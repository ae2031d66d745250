/**
 * Which device of the module clusterdev a share gets: its name, its attributes, and the cookie by which
 * a later daemon sees that it is just the one that it would make.
 */
import { createHash } from "node:crypto";
import { AvailError } from "../errors.ts";
import {
  type ClusterDevice,
  clusterDeviceKind,
  type NewClusterDevice,
} from "../netlink/clusterdev.ts";
import type { Link } from "../netlink/rtnetlink.ts";
import { addressBytes } from "./address_bytes.ts";
import type { DatapathOptions } from "./datapath.ts";
import { insideNetworks, type LinkedShare, natAddress } from "./share_links.ts";
import { stateVersion } from "./state_page.ts";
import type { Change, UndoLog } from "./undo_log.ts";

/** All but the page, which is opened later. */
export type PlannedDevice = Omit<NewClusterDevice, "stateFd">;

/** The devices for the shares, in their order: cluster0, cluster1, … */
export function planDevices(
  shares: readonly LinkedShare[],
  { seed, markMask }: Pick<DatapathOptions, "seed" | "markMask">,
): PlannedDevice[] {
  const inside = insideNetworks(shares).map(({ address, prefixLength }) => ({
    address: addressBytes(address),
    prefixLength,
  }));
  return shares.map((share, i) => {
    const nat4 = natAddress(share);
    const constants = {
      mac: share.mac,
      key: share.key,
      side: share.side,
      seed,
      nat4: nat4 === null ? null : addressBytes(nat4),
      inside,
      markMask: markMask ?? 0,
    };
    return {
      name: `cluster${i}`,
      lower: share.link.index,
      ...constants,
      cookie: cookieOf(constants, share.addresses.map(({ address }) => address)),
    };
  });
}

/** 16 bytes over everything that says what a bucket means, and for which addresses. */
function cookieOf(
  constants: Omit<PlannedDevice, "name" | "lower" | "cookie">,
  addresses: readonly string[],
): Uint8Array {
  const text = JSON.stringify(
    { stateVersion, addresses: addresses.toSorted(), ...constants },
    (_, value) => value instanceof Uint8Array ? value.toHex() : value,
  );
  return new Uint8Array(createHash("sha256").update(text).digest().subarray(0, 16));
}

/** Whether a device is what `planned` would become. */
export function isAsPlanned(device: ClusterDevice, { mac, cookie }: PlannedDevice): boolean {
  return device.mac.toHex() === mac.toHex() && device.cookie.toHex() === cookie.toHex();
}

/** The device that has the planned one's name and place, whatever its attributes. */
export function findDevice(
  devices: readonly ClusterDevice[],
  { name, lower }: PlannedDevice,
): ClusterDevice | undefined {
  return devices.find((device) => device.name === name && device.lower === lower);
}

/** The making of a device, for the undo log. */
export function deviceChange(
  { name, lower }: { readonly name: string; readonly lower: number },
): Change {
  return { kind: "link", interface: name, linkKind: clusterDeviceKind, lower };
}

/** Throws `AvailError` where a name belongs to an interface that avail has not made. */
export function checkNames(
  planned: readonly PlannedDevice[],
  links: readonly Link[],
  undo: UndoLog,
): void {
  for (const { name, lower } of planned) {
    const link = links.find((candidate) => candidate.name === name);
    if (link === undefined) continue;
    if (link.kind === clusterDeviceKind) {
      if (link.lower === lower) continue;
      if (undo.has(deviceChange({ name, lower: link.lower ?? 0 }))) continue;
    }
    const below = links.find((candidate) => candidate.index === link.lower)?.name;
    const what = `a ${link.kind ?? "plain"} interface${below === undefined ? "" : ` on ${below}`}`;
    throw new AvailError(
      `make ${name}: there is ${what} of that name which avail has not made; ` +
        `rename it: ip link set ${name} down name OTHER, or remove it: ip link del ${name}`,
    );
  }
}

/** Why the kernel finds the interface taken (EBUSY), and what to do about it. */
export function describeTaken(link: Link, links: readonly Link[]): string {
  const master = links.find(({ index }) => index === link.master);
  if (master !== undefined) {
    return `${link.name} is a port of the ${master.kind ?? "device"} ${master.name}; ` +
      `make ${master.name} the share's interface, ` +
      `or take the port out: ip link set ${link.name} nomaster`;
  }
  const above = links.find((other) =>
    other.lower === link.index && takingKinds.includes(other.kind ?? "")
  );
  if (above !== undefined) {
    return `the ${above.kind} ${above.name} takes the frames of ${link.name}; ` +
      `remove it: ip link del ${above.name}, or write datapath.backend = "xdp"`;
  }
  return `something else takes the frames of ${link.name}; write datapath.backend = "xdp"`;
}

/** Devices whose lower device has an rx_handler of theirs. */
const takingKinds = ["macvlan", "macvtap", "ipvlan", "ipvtap", "macsec"];
