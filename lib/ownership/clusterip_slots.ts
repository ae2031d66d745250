/**
 * The bucket of a flow where the kernel's CLUSTERIP target decides who handles it (Linux up to 6.2,
 * net/ipv4/netfilter/ipt_CLUSTERIP.c, hash mode `sourceip`).
 *
 * The kernel hashes a packet's source address to a slot, 1 to `--total-nodes`. Replication has to send
 * a flow to whoever gets its packets, so here the slot comes first and the bucket follows from it: a
 * slot is a unit of neighbouring buckets (units.ts), and all its flows are in the unit's first one.
 */
import { parseAddress } from "../wire/address.ts";
import type { FlowQuery } from "./flow_bucket.ts";
import { firstBucketOf } from "./units.ts";

/** CLUSTERIP_MAX_NODES (linux/netfilter_ipv4/ipt_CLUSTERIP.h). */
export const clusteripSlotsMax = 16;

/** A shared address, and how the rule for it hashes. */
export interface ClusteripService {
  /** IPv4, canonical text. */
  readonly address: string;
  /** `--hash-init`, 32 bits. */
  readonly hashInit: number;
}

const jhashInitval = 0xdeadbeef; // JHASH_INITVAL

/** jhash_1word() of include/linux/jhash.h: 32 bits of `word` and `initval`. */
export function jhashOneWord(word: number, initval: number): number {
  const start = initval + jhashInitval + 4 | 0; // 1 << 2: the length in bytes
  let a = word + start | 0, b = start, c = start;
  c = (c ^ b) - rotate(b, 14) | 0;
  a = (a ^ c) - rotate(c, 11) | 0;
  b = (b ^ a) - rotate(a, 25) | 0;
  c = (c ^ b) - rotate(b, 16) | 0;
  a = (a ^ c) - rotate(c, 4) | 0;
  b = (b ^ a) - rotate(a, 14) | 0;
  c = (c ^ b) - rotate(b, 24) | 0;
  return c >>> 0;
}

function rotate(word: number, bits: number): number {
  return word << bits | word >>> (32 - bits);
}

/**
 * clusterip_hashfn(): the slot, 1 to `totalNodes`, of an IPv4 source address in host order.
 * reciprocal_scale() is the upper word of hash times range; below 2^36, exact in a double.
 */
export function slotOfSource(source: number, hashInit: number, totalNodes: number): number {
  return Math.floor(jhashOneWord(source, hashInit) * totalNodes / 2 ** 32) + 1;
}

/** The twin of `FlowBuckets` (flow_bucket.ts) for this backend. */
export class ClusteripBuckets {
  readonly #services: readonly { readonly address: number; readonly hashInit: number }[];
  readonly #totalNodes: number;

  /** `services`: at least one. */
  constructor(config: {
    readonly services: readonly ClusteripService[];
    readonly totalNodes: number;
  }) {
    this.#services = config.services.map(({ address, hashInit }) => ({
      address: wordAt(parseAddress(address)!.bytes, 0),
      hashInit,
    }));
    this.#totalNodes = config.totalNodes;
  }

  /** As `FlowBuckets.bucketOfTuple`; ports and protocol do not matter. */
  bucketOfTuple(
    bytes: Uint8Array,
    source: number,
    destination: number,
    addressBytes: number,
  ): number {
    // IPv6 is no business of CLUSTERIP: such flows are the node's own, in whatever bucket.
    const tail = addressBytes - 4;
    const from = wordAt(bytes, source + tail);
    const to = wordAt(bytes, destination + tail);
    const service = this.#services.find(({ address }) => address === to);
    if (service !== undefined) return this.#bucketOf(from, service.hashInit);
    // Begun by a shared address itself: the packets that arrive are the peer's answers.
    const self = this.#services.find(({ address }) => address === from);
    if (self !== undefined) return this.#bucketOf(to, self.hashInit);
    return this.#bucketOf(from, this.#services[0].hashInit);
  }

  /** As `FlowBuckets.bucketOf`; null where the two are no IPv4 addresses. */
  bucketOf({ source, destination }: FlowQuery): number | null {
    const from = parseAddress(source);
    const to = parseAddress(destination);
    if (from?.family !== 4 || to?.family !== 4) return null;
    return this.bucketOfTuple(Uint8Array.of(...from.bytes, ...to.bytes), 0, 4, 4);
  }

  #bucketOf(client: number, hashInit: number): number {
    const slot = slotOfSource(client, hashInit, this.#totalNodes);
    return firstBucketOf(slot - 1, this.#totalNodes);
  }
}

/** Four bytes in network order. */
function wordAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24 | bytes[offset + 1] << 16 | bytes[offset + 2] << 8 |
    bytes[offset + 3]) >>> 0;
}
