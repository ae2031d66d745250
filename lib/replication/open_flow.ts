/** Whether a tracked flow is a connection that a program on this node may still have open. */
import type { FlowRecord } from "../netlink/flow_record.ts";

const icmp = 1;
const tcp = 6;
const icmpv6 = 58;
/** TCP_CONNTRACK_TIME_WAIT and TCP_CONNTRACK_CLOSE (nf_conntrack_tcp.h): both ends are done. */
const timeWait = 7;
const closed = 8;

/**
 * TCP says it by its state. Of other protocols with sockets only the entry's time-out tells; the
 * kernel itself answers pings.
 */
export function isOpen({ protocol, hasTcp, tcpState }: FlowRecord): boolean {
  if (protocol === icmp || protocol === icmpv6) return false;
  return !(protocol === tcp && hasTcp && (tcpState === timeWait || tcpState === closed));
}
