/**
 * Packets in the words that people have for them:
 *
 *     10.0.0.1:40000 > 192.0.2.7:443                          as most logs write them; TCP
 *     udp [2001:db8::1]:5353 > [2001:db8::2]:53               IPv6 in brackets, where there are ports
 *     10.0.0.1 > 192.0.2.7                                    without ports
 *     IP 10.0.0.1.40000 > 192.0.2.7.443: Flags [S], seq 1     a line of tcpdump -n
 */
import { parseAddress } from "../lib/wire/address.ts";
import { protocolNumber } from "./inputs.ts";

export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

interface End {
  readonly address: string;
  readonly port: number | null;
}

const tcp = 6;

/** Reads one packet; throws an `Error` that says which word is wrong. */
export function readPacket(text: string): Packet {
  const [before, after, ...more] = text.split(/\s*(?:->|→|>)\s*/);
  if (after === undefined || more.length > 0) {
    throw new Error(`"${text}": write SRC:PORT > DST:PORT`);
  }
  const words = before.trim().split(/\s+/);
  const source = readEnd("SRC", words.pop()!);
  // tcpdump ends the destination with a colon, behind which it tells of the packet.
  const [first, ...rest] = after.trim().split(/\s+/);
  const destination = readEnd("DST", first.replace(/(?<!:):$/, ""));
  const protocol = protocolBefore(words) ?? protocolBehind(rest);
  return packetOf(source, destination, protocol);
}

/** A packet from two ends, each with a port or neither. */
export function packetOf(source: End, destination: End, protocol: number | null): Packet {
  const addresses = { source: source.address, destination: destination.address };
  if (source.port === null && destination.port === null) {
    return { ...addresses, ...(protocol === null ? {} : { protocol }) };
  }
  if (source.port === null || destination.port === null) {
    const [missing, other] = source.port === null ? ["SRC", "DST"] : ["DST", "SRC"];
    throw new Error(`${missing} has no port and ${other} has one; give both, or none`);
  }
  return {
    ...addresses,
    protocol: protocol ?? tcp,
    sourcePort: source.port,
    destinationPort: destination.port,
  };
}

/** One end: an address, with a port or without. */
export function readEnd(name: string, text: string): End {
  const found = /^\[(.*)\](?::(.*))?$/.exec(text) ?? withPort(text) ?? [text, text];
  const [, address, port] = found;
  if (!parseAddress(address)) {
    throw new Error(`${name}: "${text}": this is no IPv4 or IPv6 address`);
  }
  return { address, port: port === undefined ? null : readPort(name, text, port) };
}

/** `10.0.0.1:80`; of tcpdump `10.0.0.1.80` and `2001:db8::1.80`. null: an address alone, or nonsense. */
function withPort(text: string): RegExpExecArray | null {
  if (parseAddress(text)) return null;
  const colons = text.split(":").length - 1;
  return colons === 1 ? /^(.*):(.*)$/.exec(text) : /^(.*)\.(.*)$/.exec(text);
}

function readPort(name: string, end: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65535) return port;
  throw new Error(`${name}: "${end}": "${text}" is no port; write its number, 0 to 65535`);
}

/** What stands before the source: a protocol, or what tcpdump writes there (a time, `IP`, `In`). */
function protocolBefore(words: readonly string[]): number | null {
  const word = words.at(-1);
  if (word === undefined || /^IP6?$/.test(word)) return null;
  const protocol = protocolNumber(word);
  if (protocol === null) throw new Error(`"${word}" is no protocol; write tcp, udp or its number`);
  return protocol;
}

/** What tcpdump tells behind the destination. */
function protocolBehind([first]: readonly string[]): number | null {
  switch (first?.replace(/[,:]$/, "")) {
    case "Flags":
      return tcp;
    case "UDP":
      return 17;
    case "ICMP":
      return 1;
    case "ICMP6":
      return 58;
    default:
      return null;
  }
}
