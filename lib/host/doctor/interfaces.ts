/** The interfaces of shares and links, as their drivers and the kernel describe them. */
import { close } from "../../../ffi/libc.ts";
import { linkProgram, openPinned } from "../../../ffi/bpf.ts";
import { SystemError } from "../../../ffi/library.ts";
import type { EthernetFacts, InterfacesFacts } from "../../doctor/interfaces.ts";
import { clusterInterfaces } from "../../doctor/setup.ts";
import type { LinkDetails } from "../../netlink/link_details.ts";
import { findPinDirectory, pinName } from "../bpf_fs.ts";
import { datapathShare } from "../machine.ts";
import { RouteSocket } from "../route_socket.ts";
import { GenericSocket } from "./generic_socket.ts";
import { readText } from "./read.ts";
import type { Gathered } from "./setup.ts";
import { virtualisation } from "./virtualisation.ts";

export function interfacesFacts(setup: Gathered): InterfacesFacts {
  using route = new RouteSocket();
  using generic = new GenericSocket();
  const links = route.linkDetails();
  const filters = filtersOf(readText("/proc/net/dev_mcast") ?? "");
  const names = clusterInterfaces(setup);
  const ethernet = new Map<string, EthernetFacts>();
  for (const link of links.filter(({ name }) => names.includes(name))) {
    ethernet.set(link.name, {
      driver: driverOf(link),
      ...generic.modes(link.index),
      features: generic.features(link.index),
      hasXdp: generic.hasXdp(link.index),
      groups: filters.get(link.name) ?? [],
    });
  }
  return {
    links,
    ethernet,
    clusterMacs: groupMacs(setup),
    ownPrograms: ownPrograms(setup, names),
    virtualisation: virtualisation(),
    backlog: backlogOf(readText("/proc/net/softnet_stat")),
  };
}

/** By share interface, of those whose MAC is a group's. */
function groupMacs({ config, keys }: Gathered): Map<string, string> {
  const found = new Map<string, string>();
  if (config === null || keys === null) return found;
  for (const share of config.shares) {
    const { mac } = datapathShare(share, keys);
    if ((mac[0] & 1) === 1) found.set(share.interface, mac.toHex());
  }
  return found;
}

/** /proc/net/dev_mcast: number, name, uses, …, address. */
export function filtersOf(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, name, , , address] = line.trim().split(/\s+/);
    if (address !== undefined) found.set(name, [...(found.get(name) ?? []), address]);
  }
  return found;
}

function driverOf({ name, kind }: LinkDetails): string | null {
  try {
    const target = Deno.readLinkSync(`/sys/class/net/${name}/device/driver`);
    return target.slice(target.lastIndexOf("/") + 1);
  } catch {
    return kind;
  }
}

/** Numbers of the XDP programs that this node's daemon has pinned. */
function ownPrograms({ configFile }: Gathered, names: readonly string[]): number[] {
  const socket = configFile.stated?.control.socket;
  if (socket === undefined || Deno.uid() !== 0) return [];
  const directory = findPinDirectory(socket.slice(0, socket.lastIndexOf("/")) || "/");
  if (directory === null) return [];
  return names.flatMap((name) => {
    try {
      const fd = openPinned(`${directory}/${pinName(name)}/xdp`);
      try {
        return [linkProgram(fd)];
      } finally {
        close(fd);
      }
    } catch (error) {
      if (error instanceof SystemError) return [];
      throw error;
    }
  });
}

/** The first two columns of each processor's line: hexadecimal. */
export function backlogOf(text: string | null): InterfacesFacts["backlog"] {
  if (text === null) return null;
  const sum = (column: number) =>
    text.split("\n").reduce(
      (sum, line) => sum + (parseInt(line.trim().split(/\s+/)[column] ?? "0", 16) || 0),
      0,
    );
  return { taken: sum(0), dropped: sum(1) };
}
