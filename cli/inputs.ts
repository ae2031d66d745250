/** Readers of command-line words; what they throw is told as wrong usage. */
import { isName } from "../lib/config_values.ts";
import { isOperatorWeight, weightRange } from "../lib/control_request.ts";
import { parseAddress } from "../lib/wire/address.ts";

/** Names of /etc/protocols that people use. */
const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
};

/** A protocol's number, from its name or itself. */
export function readProtocol(text: string): number {
  return protocols[text.toLowerCase()] ?? readWhole(text, 255, "a protocol (tcp, udp, icmp, …)");
}

/** The same; null for what is none. */
export function protocolNumber(text: string): number | null {
  const number = protocols[text.toLowerCase()] ?? (/^\d{1,3}$/.test(text) ? Number(text) : 256);
  return number <= 255 ? number : null;
}

/** The name of a protocol, or its number. */
export function protocolName(protocol: number): string {
  return Object.keys(protocols).find((name) => protocols[name] === protocol) ?? String(protocol);
}

export function readAddress(text: string): string {
  if (!parseAddress(text)) throw new Error("this is no IPv4 or IPv6 address");
  return text;
}

/** A node's name, of which the daemon knows whether it is there. */
export function readNodeName(text: string): string {
  if (!isName(text)) throw new Error("this is no node's name; `avail status` shows them");
  return text;
}

export function readWeight(text: string): number {
  const weight = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!isOperatorWeight(weight)) throw new Error(`a weight is ${weightRange}`);
  return weight;
}

export function readBucket(text: string): number {
  return readWhole(text, 255, "a bucket");
}

export const portFlag = {
  kind: "parsed",
  parse: (text: string) => readWhole(text, 65535, "a port"),
  optional: true,
  placeholder: "N",
} as const;

export function readWhole(text: string, max: number, what: string): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (!(value <= max)) throw new Error(`${what} is a whole number from 0 to ${max}`);
  return value;
}

/** A folder that is there, by its real path. */
export function readFolder(text: string): string {
  try {
    const path = Deno.realPathSync(text);
    if (Deno.statSync(path).isDirectory) return path;
  } catch {
    // Told below.
  }
  throw new Error("there is no such folder");
}
