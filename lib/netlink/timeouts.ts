/**
 * How long the kernel keeps an entry after its last packet, by protocol and state: what a takeover
 * sets held entries back to. Names are those of /proc/sys/net/netfilter/nf_conntrack_*; the numbers
 * are the kernel's defaults (nf_conntrack_proto_*.c), replaced by what this machine has.
 */
import { IPS_ASSURED } from "./ctnetlink_numbers.ts";
import {
  type FlowRecord,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from "./flow_record.ts";

/** Seconds by sysctl name. */
export const defaultTimeouts: Readonly<Record<string, number>> = {
  generic_timeout: 600,
  icmp_timeout: 30,
  icmpv6_timeout: 30,
  udp_timeout: 30,
  udp_timeout_stream: 120,
  tcp_timeout_syn_sent: 120,
  tcp_timeout_syn_recv: 60,
  tcp_timeout_established: 432_000,
  tcp_timeout_fin_wait: 120,
  tcp_timeout_close_wait: 60,
  tcp_timeout_last_ack: 30,
  tcp_timeout_time_wait: 120,
  tcp_timeout_close: 10,
};

/** TCP_CONNTRACK_* by number; 0 (NONE) is a connection that has not begun. */
const tcpStates = [
  "syn_sent",
  "syn_sent",
  "syn_recv",
  "established",
  "fin_wait",
  "close_wait",
  "last_ack",
  "time_wait",
  "close",
  "syn_sent",
];

/** The timeout that the kernel gives to an entry in this state, in seconds. */
export function normalTimeoutS(
  flow: FlowRecord,
  timeouts: Readonly<Record<string, number>>,
): number {
  switch (flow.protocol) {
    case IPPROTO_TCP:
      return timeouts[`tcp_timeout_${tcpStates[flow.tcpState] ?? "established"}`];
    case IPPROTO_UDP:
      return (flow.status & IPS_ASSURED) !== 0 ? timeouts.udp_timeout_stream : timeouts.udp_timeout;
    case IPPROTO_ICMP:
      return timeouts.icmp_timeout;
    case IPPROTO_ICMPV6:
      return timeouts.icmpv6_timeout;
    default:
      return timeouts.generic_timeout;
  }
}
