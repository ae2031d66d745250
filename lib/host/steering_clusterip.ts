/**
 * The clusterip backend: existing iptables rules with the CLUSTERIP target (Linux up to 6.2) keep on
 * steering, and avail switches their slots. The rule does ARP, the group MAC and the interface's
 * filter; the shared address is left alone where it is there already.
 *
 * Foreign packets pass conntrack here before the rule drops them in INPUT. That makes no events:
 * an entry that is not confirmed (nf_conntrack_confirm() comes behind INPUT) vanishes with its packet,
 * and changes of a confirmed one, such as a replica, are told only by a packet that arrives. It does
 * move a replica's TCP state and timeout; the owner's next word, or the next packet, sets them right.
 */
import { AvailError } from "../errors.ts";
import type { ClusteripSetup } from "../clusterip/match.ts";
import type { InterfaceAddress } from "../netlink/rtnetlink.ts";
import { bucketsOf } from "../ownership/units.ts";
import type { SteeringCounters } from "../ports.ts";
import { addressBytes } from "./address_bytes.ts";
import { slotFiles } from "./clusterip_kernel.ts";
import { ClusteripSlots } from "./clusterip_slots.ts";
import { forgetTaken, isTaken, noteTaken } from "./clusterip_taken.ts";
import type { DatapathAttachment, DatapathOptions } from "./datapath.ts";
import { applySettings } from "./kernel_settings.ts";
import {
  addAddresses,
  checkAddresses,
  type ShareOnLink,
  takeBack,
  wantedChanges,
} from "./node_setup.ts";
import { RouteSocket } from "./route_socket.ts";
import { findLinks } from "./share_links.ts";
import { keyOf, UndoLog, undoPath } from "./undo_log.ts";

export interface ClusteripOptions extends DatapathOptions {
  readonly clusterip: ClusteripSetup;
}

/** What this backend cannot do and the others can, for the status and the log. */
const weaker: readonly string[] = [
  "the kernel knows no lease: a daemon that hangs or is killed goes on answering for its slots, " +
  "beside the node that takes them over, until it runs again or its machine is switched off",
  "only service addresses of IPv4 by their clients' addresses; whole slots, 16 at most, so loads differ",
  "shared addresses are not probed for before a start: every node of CLUSTERIP answers ARP",
  "taken and dropped frames are not told apart: the counters stay at 0",
];

const uncounted: SteeringCounters = {
  accepted: 0,
  dropped: { notOwned: 0, leaseExpired: 0, malformed: 0, neighbour: 0 },
};

/** Prepares the node, or takes over what runs on it; throws `AvailError`, and changes nothing then. */
export function attachClusterip(options: ClusteripOptions): DatapathAttachment {
  const { runDir } = options;
  const { services, totalNodes } = options.clusterip;
  const addresses = services.map(({ address }) => address);
  const slots = new ClusteripSlots(addresses, slotFiles);
  using route = new RouteSocket();
  const links = route.links();
  Deno.mkdirSync(runDir, { recursive: true });
  const undo = new UndoLog(undoPath(runDir));
  const shares = findLinks(options.shares, links).map((share) => ({
    ...share,
    device: share.link,
  }));
  const lacking = shares.map((share) => lackingOf(share, route.addresses(), undo));
  checkAddresses(lacking, route.addresses(), links, undo);
  const found = isTaken(runDir) ? [] : foundSlots(slots);
  // What a daemon that was killed left on has other owners by now.
  if (isTaken(runDir)) slots.switchTo([], () => {});

  const wanted = new Set(wantedChanges(lacking).map(keyOf));
  try {
    takeBack(route, undo, (change) => change.kind !== "sysctl" && !wanted.has(keyOf(change)));
    applySettings(shares, undo);
    addAddresses(lacking, route, undo);
  } catch (error) {
    takeBack(route, undo, () => true);
    throw error;
  }
  return {
    backend: "clusterip",
    steering: { kind: "clusterip", addresses, totalNodes, found, runDir },
    adopted: found.length === 0 ? null : {
      responsibility: bucketsOf(found.map((slot) => slot - 1), totalNodes),
      leaseUntil: Infinity,
      epoch: 0,
    },
    modes: new Map(
      services.map(({ interface: name }) => [name, `CLUSTERIP, ${totalNodes} slots`]),
    ),
    weaker,
    counters: () => uncounted,
    bucketCounters: () => null,
    keep: () => {},
    detach: () => remove(runDir, slots),
  };
}

/** Takes everything back; slots that were never taken over stay as they were found. */
function remove(runDir: string, slots: ClusteripSlots): void {
  if (isTaken(runDir)) {
    slots.switchTo([], () => noteTaken(runDir));
    forgetTaken(runDir);
  }
  using route = new RouteSocket();
  takeBack(route, new UndoLog(undoPath(runDir)), () => true);
}

/** The share with those addresses that are not on its interface yet, or are there by our doing. */
function lackingOf<S extends ShareOnLink>(
  share: S,
  present: readonly InterfaceAddress[],
  undo: UndoLog,
): S {
  const isForeign = (address: string) =>
    present.some((own) =>
      own.index === share.link.index && own.bytes.length === 4 &&
      addressBytes(address).every((byte, i) => byte === own.bytes[i])
    ) &&
    !undo.changes.some((change) => change.kind === "address" && change.address === address);
  return { ...share, addresses: share.addresses.filter(({ address }) => !isForeign(address)) };
}

function foundSlots(slots: ClusteripSlots): readonly number[] {
  const found = slots.current();
  if (found !== null) return found;
  const each = slots.addresses.map((address) =>
    `${address} has ${slots.files.read(address)?.join(",") || "none"}`
  );
  throw new AvailError(
    `take over CLUSTERIP: the addresses have different slots on: ${each.join("; ")}; ` +
      "switch the same ones on for each: echo +N >/proc/net/ipt_CLUSTERIP/ADDRESS",
  );
}
