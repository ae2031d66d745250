/** Lines of conntrack(8) and of /proc/net/nf_conntrack. */
import type { Packet } from "./packet_words.ts";

/**
 * The original direction of the flow that a line tells of, with whatever stands around it (`-L`, `-E`,
 * `-o extended,timestamp`); null: it tells of none.
 */
export function readConntrackLine(line: string): Packet | null {
  const tuple = /\bsrc=(\S+) dst=(\S+)(?: sport=(\d+) dport=(\d+))?/.exec(line);
  if (tuple === null) return null;
  const [, source, destination, sport, dport] = tuple;
  // `tcp      6 431999 ESTABLISHED`, or `ipv4     2 tcp      6 431999 ESTABLISHED`: the last pair counts.
  const names = [...line.slice(0, tuple.index).matchAll(/(?:^|\s)[a-z][\w.-]*\s+(\d+)(?=\s)/g)];
  const protocol = names.at(-1)?.[1];
  return {
    source,
    destination,
    ...(protocol === undefined ? {} : { protocol: Number(protocol) }),
    ...(sport === undefined ? {} : { sourcePort: Number(sport), destinationPort: Number(dport) }),
  };
}
