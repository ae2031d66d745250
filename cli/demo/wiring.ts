/** Builds the lab's namespaces and the cables between them; knows nothing of `avail` itself. */
import { nodeFirewall } from "./firewall.ts";
import { ipBatch, tool } from "./tool.ts";
import {
  clientAddress,
  clientAddressesMax,
  families,
  type LabNames,
  nodeAddress,
  nodeInterfaces,
  prefixLength,
  serverAddress,
  serverAddresses,
  sharedAddress,
  switchPort,
} from "./topology.ts";

/** The namespace of the switch: bridges that flood, for group MACs must reach every port. */
export async function buildSwitch(names: LabNames): Promise<void> {
  const namespace = names.namespace("switch");
  await ipBatch(null, [`netns add ${namespace}`]);
  // The switch takes no part in IPv6: its bridges would join groups and answer.
  await setSysctls(namespace, ["net.ipv6.conf.all.disable_ipv6=1"]);
  await ipBatch(
    namespace,
    nodeInterfaces.flatMap((bridge) => [
      `link add ${bridge} type bridge mcast_snooping 0`,
      `link set ${bridge} up`,
    ]),
  );
}

/**
 * A node as an administrator hands it over: own addresses, firewall, no shared address. What the
 * cluster needs beyond that, forwarding included, is for `avail run` to set.
 *
 * @param number Counts from 1; decides its addresses.
 */
export async function buildNode(names: LabNames, name: string, number: number): Promise<void> {
  const namespace = await plugIn(names, name, nodeInterfaces, number);
  await tool(["ip", "netns", "exec", namespace, "nft", "-f", "-"], nodeFirewall);
  // After the rules: they bring conntrack, and so its settings, into the namespace.
  await setSysctls(namespace, ["net.netfilter.nf_conntrack_tcp_loose=0"]);
  await ipBatch(namespace, [
    ...families.flatMap((family) =>
      (["inside", "outside"] as const).map((on) =>
        addressLine(nodeAddress(on, number, family), prefixLength(family), on)
      )
    ),
    addressLine(nodeAddress("sync", number, 4), 24, "sync"),
  ]);
}

/** Takes a node's namespace away with everything in it, as a power cut does. */
export async function removeNode(names: LabNames, name: string): Promise<void> {
  // The cables first: the kernel removes a namespace in the background, and the ports' names
  // must be free when the node comes back.
  await ipBatch(
    names.namespace("switch"),
    nodeInterfaces.map((on) => `link del ${switchPort(name, on)}`),
  );
  await ipBatch(null, [`netns del ${names.namespace(name)}`]);
}

/** @param rtoMinMs See `LabOptions.rtoMinMs`. */
export async function buildClients(names: LabNames, rtoMinMs: number | null): Promise<void> {
  const addresses = families.flatMap((family) =>
    numbers(clientAddressesMax).map((index) => clientAddress(index, family))
  );
  await buildHost(names, "clients", "inside", addresses, rtoMinMs);
}

/** @param rtoMinMs See `LabOptions.rtoMinMs`. */
export async function buildServers(names: LabNames, rtoMinMs: number | null): Promise<void> {
  const addresses = families.flatMap((family) =>
    numbers(serverAddresses).map((index) => serverAddress(index, family))
  );
  await buildHost(names, "servers", "outside", addresses, rtoMinMs);
}

async function buildHost(
  names: LabNames,
  name: string,
  side: "inside" | "outside",
  addresses: readonly string[],
  rtoMinMs: number | null,
): Promise<void> {
  const namespace = await plugIn(names, name, [side]);
  // Linear time-outs need a congestion control that leaves slow start by losses, so not BBR.
  const quick = rtoMinMs === null ? "" : ` rto_min ${rtoMinMs}ms congctl reno`;
  if (rtoMinMs !== null) await setSysctls(namespace, ["net.ipv4.tcp_thin_linear_timeouts=1"]);
  await ipBatch(namespace, [
    ...addresses.map((address) =>
      addressLine(address, prefixLength(address.includes(":") ? 6 : 4), side)
    ),
    ...families.map((family) =>
      `route add default via ${sharedAddress(side, family)} dev ${side}${quick}`
    ),
  ]);
}

/**
 * A namespace with its cables to the switch; returns the namespace's name.
 *
 * @param number Of a node, which has the same MACs after every power loss, as machines do: its
 * neighbours would look for it at the former ones.
 */
async function plugIn(
  names: LabNames,
  host: string,
  interfaces: readonly string[],
  number?: number,
): Promise<string> {
  const namespace = names.namespace(host);
  const ports = names.namespace("switch");
  await ipBatch(null, [`netns add ${namespace}`]);
  // Addresses are ours to give: waiting for duplicate address detection proves nothing here.
  await setSysctls(namespace, [
    "net.ipv6.conf.all.accept_dad=0",
    "net.ipv6.conf.default.accept_dad=0",
    "net.ipv6.conf.default.dad_transmits=0",
  ]);
  await ipBatch(namespace, [
    "link set lo up",
    ...interfaces.flatMap((on, i) => [
      `link add ${on}${macOf(number, i)} type veth peer name ${
        switchPort(host, on)
      } netns ${ports}`,
      `link set ${on} up`,
    ]),
  ]);
  await ipBatch(
    ports,
    interfaces.map((on) => `link set ${switchPort(host, on)} master ${on} up`),
  );
  return namespace;
}

/** Words for `ip link add`; empty: any MAC. */
function macOf(node: number | undefined, interfaceNumber: number): string {
  return node === undefined ? "" : ` address 02:00:5e:10:0${interfaceNumber}:0${node}`;
}

async function setSysctls(namespace: string, settings: readonly string[]): Promise<void> {
  await tool(["ip", "netns", "exec", namespace, "sysctl", "-q", "-w", ...settings]);
}

function addressLine(address: string, length: number, on: string): string {
  return `address add ${address}/${length} dev ${on}${address.includes(":") ? " nodad" : ""}`;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
