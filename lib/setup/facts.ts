/** What a machine's interfaces are like, as set-up and its proposals go by it. */
import type { AddressPrefix } from "../config.ts";
import { isLinkLocal } from "../config_values.ts";
import { inPrefix, parseAddress } from "../wire/address.ts";

export interface InterfaceFacts {
  readonly name: string;
  /** Whether it carries Ethernet frames. */
  readonly isEthernet: boolean;
  /** vlan, bridge, bond, veth, …; null for a plain device. */
  readonly kind: string | null;
  /** The bridge, bond or other device that it is a port of. */
  readonly master: string | null;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** Its addresses, without groups. */
  readonly addresses: readonly AddressPrefix[];
  readonly isIpv6Off: boolean;
  /** Whether the way to everywhere else goes through it. */
  readonly hasDefaultRoute: boolean;
}

/** Ethernet by name, that leads to nobody; and devices that avail makes itself. */
const uselessKinds = ["clusterdev", "ifb", "nlmon"];

/** Whether it can be a share or a link: one of its own that carries frames. */
export function isUsable({ name, isEthernet, kind, master }: InterfaceFacts): boolean {
  return isEthernet && name !== "lo" && master === null && !uselessKinds.includes(kind ?? "");
}

/** Its addresses that another machine can name without naming an interface. */
export function routableAddresses({ addresses }: InterfaceFacts): AddressPrefix[] {
  return addresses.filter(({ address }) => !isLinkLocal(address));
}

/** Whether an address lies in a network that is wider than one host and means the same everywhere. */
export function isInNetwork(own: AddressPrefix, network: AddressPrefix): boolean {
  const hostBits = (network.family === 4 ? 32 : 128) - network.prefixLength;
  return own.family === network.family && hostBits > 0 && network.prefixLength > 0 &&
    !isLinkLocal(network.address) &&
    inPrefix(bytesOf(own), 0, bytesOf(network), network.prefixLength);
}

function bytesOf({ address }: AddressPrefix): Uint8Array {
  return parseAddress(address)!.bytes;
}

/** `192.0.2.11/24` */
export function prefixText({ address, prefixLength }: AddressPrefix): string {
  return `${address}/${prefixLength}`;
}
