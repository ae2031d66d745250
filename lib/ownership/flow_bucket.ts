/**
 * The bucket of a flow, from the original direction of its conntrack entry: the one in which its
 * packets arrive, whichever share they arrive on.
 */

import type { KeyKind, ShareConfig } from "../config.ts";
import { inPrefix, parseAddress } from "../wire/address.ts";
import { BucketHash, type BucketSeed } from "./bucket.ts";

/** A flow in text, as `avail who` is asked. */
export interface FlowQuery {
  readonly source: string;
  readonly destination: string;
  /** IP protocol number. */
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** The interface of the share on which the packet arrives; without it, as a flow of the node. */
  readonly share?: string;
}

interface Network {
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
}

/** TCP, UDP, DCCP, SCTP, UDP-Lite: the protocols whose ports the key `flow` hashes. */
const portProtocols: readonly number[] = [6, 17, 33, 132, 136];
/** Reserved (IANA): stands for a protocol without ports. */
const noPorts = 255;

export class FlowBuckets {
  readonly #hash: BucketHash;
  readonly #shares: readonly ShareConfig[];
  /** Shared addresses of the shares whose key is `source`. */
  readonly #services: readonly Network[];
  /** Networks connected to the inside shares. */
  readonly #inside: readonly Network[];
  /** All router shares of a node have the same; null: there is none. */
  readonly #routerKey: KeyKind | null;

  constructor(config: { readonly seed: BucketSeed; readonly shares: readonly ShareConfig[] }) {
    const { seed, shares } = config;
    this.#hash = new BucketHash(seed);
    this.#shares = shares;
    this.#services = networks(shares.filter((share) => share.key === "source"))
      .map(({ bytes }) => ({ bytes, prefixLength: 8 * bytes.length }));
    this.#inside = networks(shares.filter((share) => share.side === "inside"));
    this.#routerKey = shares.find((share) => share.key !== "source")?.key ?? null;
  }

  /**
   * The bucket of an original tuple, its addresses in `bytes` (network order, 4 or 16 bytes each).
   * Ports in host order; ignored unless the protocol has ports.
   */
  bucketOfTuple(
    bytes: Uint8Array,
    source: number,
    destination: number,
    addressBytes: number,
    protocol: number,
    sourcePort: number,
    destinationPort: number,
  ): number {
    if (contains(this.#services, bytes, destination, addressBytes)) {
      return this.#hash.ofSource(bytes, source, addressBytes);
    }
    // Begun by a service address itself: the packets that arrive are the peer's answers.
    if (contains(this.#services, bytes, source, addressBytes)) {
      return this.#hash.ofSource(bytes, destination, addressBytes);
    }
    switch (this.#routerKey) {
      case "pair":
        return this.#hash.ofPair(bytes, source, destination, addressBytes);
      case "flow":
        return this.#ofFlow(
          bytes,
          source,
          destination,
          addressBytes,
          protocol,
          sourcePort,
          destinationPort,
        );
      case "inside": {
        const isToInside = contains(this.#inside, bytes, destination, addressBytes);
        const host = isToInside ? destination : source;
        return this.#ofInside(bytes, source, destination, addressBytes, host);
      }
      default:
        return this.#hash.ofSource(bytes, source, addressBytes);
    }
  }

  /**
   * The bucket of a packet in text. Without ports, the key `flow` goes by the pair.
   * @returns null if an address or the share is unknown, or the families differ.
   */
  bucketOf(query: FlowQuery): number | null {
    const from = parseAddress(query.source);
    const to = parseAddress(query.destination);
    if (!from || !to || from.family !== to.family) return null;
    const length = from.bytes.length;
    const bytes = Uint8Array.of(...from.bytes, ...to.bytes);
    const { protocol = noPorts, sourcePort: sport, destinationPort: dport } = query;
    const ends = sport === undefined || dport === undefined
      ? [noPorts, 0, 0] as const
      : [protocol, sport, dport] as const;
    if (query.share === undefined) return this.bucketOfTuple(bytes, 0, length, length, ...ends);
    const share = this.#shares.find((share) => share.interface === query.share);
    switch (share?.key) {
      case undefined:
        return null;
      case "source":
        return this.#hash.ofSource(bytes, 0, length);
      case "pair":
        return this.#hash.ofPair(bytes, 0, length, length);
      case "flow":
        return this.#ofFlow(bytes, 0, length, length, ...ends);
      case "inside":
        return this.#ofInside(bytes, 0, length, length, share?.side === "inside" ? 0 : length);
    }
  }

  #ofFlow(
    bytes: Uint8Array,
    source: number,
    destination: number,
    addressBytes: number,
    protocol: number,
    sourcePort: number,
    destinationPort: number,
  ): number {
    if (!portProtocols.includes(protocol)) {
      return this.#hash.ofPair(bytes, source, destination, addressBytes);
    }
    return this.#hash.ofFlow(
      bytes,
      source,
      destination,
      addressBytes,
      sourcePort,
      destinationPort,
      protocol,
    );
  }

  /** `host`: the offset of the inside host's address, unless both are inside. */
  #ofInside(
    bytes: Uint8Array,
    source: number,
    destination: number,
    addressBytes: number,
    host: number,
  ): number {
    const isBetweenInside = contains(this.#inside, bytes, source, addressBytes) &&
      contains(this.#inside, bytes, destination, addressBytes);
    return isBetweenInside
      ? this.#hash.ofPair(bytes, source, destination, addressBytes)
      : this.#hash.ofSource(bytes, host, addressBytes);
  }
}

/** The networks of the shares' addresses; text that is no address was refused with the file. */
function networks(shares: readonly ShareConfig[]): Network[] {
  return shares.flatMap((share) =>
    share.addresses.map(({ address, prefixLength }) => {
      const parsed = parseAddress(address);
      if (!parsed) throw new TypeError(`reading an address of ${share.interface}: ${address}`);
      return { bytes: parsed.bytes, prefixLength };
    })
  );
}

function contains(
  list: readonly Network[],
  bytes: Uint8Array,
  offset: number,
  addressBytes: number,
): boolean {
  for (const network of list) {
    if (network.bytes.length !== addressBytes) continue;
    if (inPrefix(bytes, offset, network.bytes, network.prefixLength)) return true;
  }
  return false;
}
