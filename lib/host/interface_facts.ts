/** The interfaces of this machine, as set-up looks at them. */
import type { AddressPrefix } from "../config.ts";
import type { InterfaceFacts } from "../setup/facts.ts";
import { formatAddress } from "../wire/address.ts";
import { isIpv6Off } from "./kernel_settings.ts";
import { RouteSocket } from "./route_socket.ts";

/** All interfaces of this network namespace, in the kernel's order. */
export function readInterfaceFacts(): InterfaceFacts[] {
  using route = new RouteSocket();
  const links = route.links();
  const addresses = route.addresses().filter(({ bytes }) => !isGroup(bytes));
  const toEverywhere = interfacesOfDefaultRoutes();
  return links.map((link) => ({
    name: link.name,
    isEthernet: link.isEthernet && link.mac.length === 6,
    kind: link.kind,
    master: links.find(({ index }) => index === link.master)?.name ?? null,
    isUp: link.isUp,
    hasCarrier: link.hasCarrier,
    addresses: addresses.filter(({ index }) => index === link.index).map(
      ({ family, bytes, prefixLength }): AddressPrefix => ({
        family,
        address: formatAddress(bytes),
        prefixLength,
      }),
    ),
    isIpv6Off: isIpv6Off(link.name),
    hasDefaultRoute: toEverywhere.has(link.name),
  }));
}

/** The groups of shares are joined by addresses (node_setup.ts). */
function isGroup(bytes: Uint8Array): boolean {
  return bytes.length === 4 ? bytes[0] >> 4 === 14 : bytes[0] === 0xff;
}

/** proc_net(5): the destination and mask of a default route are zeros. */
function interfacesOfDefaultRoutes(): Set<string> {
  const found = new Set<string>();
  for (const line of linesOf("/proc/self/net/route")) {
    const fields = line.split("\t");
    if (fields[1] === "00000000" && fields[7] === "00000000") found.add(fields[0]);
  }
  for (const line of linesOf("/proc/self/net/ipv6_route")) {
    const fields = line.trim().split(/\s+/);
    const isDefault = fields[0] === "0".repeat(32) && fields[1] === "00";
    if (isDefault && fields[9] !== "lo") found.add(fields[9]);
  }
  return found;
}

function linesOf(file: string): string[] {
  try {
    return Deno.readTextFileSync(file).split("\n");
  } catch {
    return []; // IPv6 is not in this kernel.
  }
}
