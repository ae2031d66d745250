/**
 * The small languages inside a configuration: durations, names, addresses with prefixes, MACs,
 * listening addresses. Each reader gives the value, or null where the text is none of its kind.
 */
import type { AddressPrefix } from "./config.ts";
import { nameBytesMax } from "./limits.ts";
import { formatAddress, parseAddress } from "./wire/address.ts";

/** `"100ms"`, `"1s"`, `"1.5s"` in milliseconds. */
export function readDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text.trim());
  return match && Number(match[1]) * (match[2] === "s" ? 1000 : 1);
}

/** A DNS label: letters, digits and inner hyphens, at most 63. */
export function isName(text: string): boolean {
  return text.length <= nameBytesMax && /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(text);
}

/** What Linux takes as the name of an interface (dev_valid_name(), net/core/dev.c). */
export function isInterfaceName(text: string): boolean {
  return text !== "" && text.length < 16 && text !== "." && text !== ".." && !/[/:\s]/.test(text);
}

/** `192.0.2.1/24` or `2001:db8::1/64`, the address in canonical text. */
export function readAddressPrefix(text: string): AddressPrefix | null {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match && parseAddress(match[1]);
  if (!match || !address || Number(match[2]) > address.bytes.length * 8) return null;
  return {
    family: address.family,
    address: formatAddress(address.bytes),
    prefixLength: Number(match[2]),
  };
}

/** Why no host can have this address, or null where one can. */
export function unusableAddress({ address: text, prefixLength }: AddressPrefix): string | null {
  const { family, bytes } = parseAddress(text)!;
  const first = bytes[0];
  if (bytes.every((byte) => byte === 0)) return "stands for no address";
  if (family === 4 ? first >= 224 && first < 240 : first === 0xff) return "is a multicast address";
  if (family === 6) {
    if (text === "::1") return "is the loopback address";
    return bytes.subarray(0, 10).every((b) => b === 0) && bytes[10] === 0xff && bytes[11] === 0xff
      ? "is an IPv4 address in IPv6 clothes"
      : null;
  }
  if (first === 127) return "is a loopback address";
  if (first === 0 || first >= 240) return "is reserved";
  if (prefixLength >= 31) return null;
  const hostBits = 32 - prefixLength;
  const host = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) & (2 ** hostBits - 1);
  if (host === 0) return "is the address of the network itself";
  return host === ((2 ** hostBits - 1) | 0) ? "is the broadcast address of its network" : null;
}

/** Whether an IPv6 address is link-local (fe80::/10): such a one means something else on each link. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

/** `03:00:5E:00:00:01` in lower case. */
export function readMac(text: string): string | null {
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) ? text.toLowerCase() : null;
}

/** Why a MAC cannot be a cluster's, or null where it can. */
export function unusableMac(mac: string): string | null {
  if (mac === "00:00:00:00:00:00") return "stands for no station";
  if (mac === "ff:ff:ff:ff:ff:ff") return "is the broadcast address";
  if (mac.startsWith("01:80:c2:00:00:")) return "is reserved for bridges (IEEE 802.1D)";
  if (mac.startsWith("01:00:5e:00:00:")) return "is a group of local control (224.0.0.0/24)";
  return null;
}

/** `127.0.0.1:9477` or `[::1]:9477`; null where it is neither. */
export function readListen(text: string): { address: string; port: number } | null {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = match && parseAddress(match[1] ?? match[2]);
  const port = Number(match?.[3]);
  if (!address || address.family !== (match[1] ? 6 : 4) || !isPort(port)) return null;
  return { address: formatAddress(address.bytes), port };
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
