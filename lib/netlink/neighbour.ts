/** The neighbour tables (ARP and NDP) over rtnetlink (linux/neighbour.h). */
import { AF_INET, AF_INET6 } from "./family.ts";
import { type Message, type MessageWriter, NLM_F_DUMP, NLM_F_REQUEST } from "./message.ts";

const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;

/** A request for all entries of both families. */
export function encodeNeighbourDump(writer: MessageWriter, sequence: number): void {
  writer.begin(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, sequence, new Uint8Array(12)); // ndmsg
  writer.end();
}

/** The family of an entry of a dump, or null where the message is something else. */
export function decodeNeighbour(view: DataView, message: Message): 4 | 6 | null {
  if (message.type !== RTM_NEWNEIGH || message.start + 12 > message.end) return null;
  const family = view.getUint8(message.start);
  return family === AF_INET ? 4 : family === AF_INET6 ? 6 : null;
}
