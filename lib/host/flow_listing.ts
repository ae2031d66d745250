/**
 * The entries of this kernel's connection table, each with its bucket: read by a dump over netlink,
 * understood and worded by libnetfilter_conntrack.
 */
import { NETLINK_NETFILTER, NetlinkSocket } from "../../ffi/libmnl.ts";
import { type ConntrackEntry, ConntrackReader } from "../../ffi/libnetfilter_conntrack.ts";
import { SystemError } from "../../ffi/library.ts";
import type { Config } from "../config.ts";
import { AvailError } from "../errors.ts";
import {
  errorOf,
  headerBytes,
  messages,
  MessageWriter,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../netlink/message.ts";
import { ClusteripBuckets } from "../ownership/clusterip_slots.ts";
import { FlowBuckets } from "../ownership/flow_bucket.ts";
import { formatAddress } from "../wire/address.ts";
import { readClusterip } from "./clusterip_kernel.ts";
import { bucketSeed, type KeyRing } from "../wire/keys.ts";

/** One entry, by its original direction. */
export interface Flow {
  readonly source: string;
  readonly destination: string;
  /** IP protocol number. */
  readonly protocol: number;
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** As `conntrack -L` prints it. */
  readonly text: string;
  readonly bucket: number;
}

/** NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET (linux/netfilter/nfnetlink_conntrack.h) */
const getConntrack = 0x0101;

/** Every entry of the table, IPv4 and IPv6, one after the other; needs CAP_NET_ADMIN. */
export function* listFlows(config: Config, keys: KeyRing): Generator<Flow> {
  const buckets = flowBuckets(config, keys);
  for (const entry of entries()) yield flowOf(entry, buckets);
}

/** What gives a flow its bucket with this configuration. */
export function flowBuckets(config: Config, keys: KeyRing): FlowBuckets | ClusteripBuckets {
  return config.datapath.backend === "clusterip"
    ? new ClusteripBuckets(readClusterip(config))
    : new FlowBuckets({ seed: bucketSeed(keys), shares: config.shares });
}

function* entries(): Generator<ConntrackEntry> {
  const socket = new NetlinkSocket(NETLINK_NETFILTER);
  try {
    const request = new MessageWriter(64);
    request.begin(getConntrack, NLM_F_REQUEST | NLM_F_DUMP, 1, [0, 0, 0, 0]); // struct nfgenmsg
    request.end();
    socket.send(request.bytes);
    yield* readDump(socket);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const remedy = error.code === "EPERM" ? "; run this as root" : "";
    throw new AvailError(`list flows: ${error.message}${remedy}`, { cause: error });
  } finally {
    socket.close();
  }
}

function* readDump(socket: NetlinkSocket): Generator<ConntrackEntry> {
  const reader = new ConntrackReader();
  const buffer = new Uint8Array(64 << 10);
  const view = new DataView(buffer.buffer);
  while (true) {
    const length = socket.receive(buffer, 0);
    if (length === null) continue; // interrupted
    for (const message of messages(view, length)) {
      if (message.type === NLMSG_DONE) return;
      if (message.type === NLMSG_ERROR) {
        throw new SystemError("dump of the connection table", errorOf(view, message));
      }
      const entry = reader.read(buffer.slice(message.start - headerBytes, message.end));
      if (entry) yield entry;
    }
  }
}

function flowOf(entry: ConntrackEntry, buckets: FlowBuckets | ClusteripBuckets): Flow {
  const { source, destination, protocol, sourcePort, destinationPort, text } = entry;
  const tuple = new Uint8Array([...source, ...destination]);
  return {
    source: formatAddress(source),
    destination: formatAddress(destination),
    protocol,
    sourcePort,
    destinationPort,
    text,
    bucket: buckets.bucketOfTuple(
      tuple,
      0,
      source.length,
      source.length,
      protocol,
      sourcePort,
      destinationPort,
    ),
  };
}
