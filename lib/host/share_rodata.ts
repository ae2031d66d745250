/**
 * The programs' constants: one share's configuration as kmod/bpf/share.h and kmod/bucket.h lay it
 * out. A test compares the offsets with the C compiler's.
 */
import type { AddressPrefix, KeyKind } from "../config.ts";
import { addressBytes, prefixMask } from "./address_bytes.ts";

/** Shared addresses of one family on one share: AVAIL_SHARED_MAX. */
export const sharedAddressesMax = 32;
/** AVAIL_INSIDE_MAX. */
export const insidePrefixesMax = 16;

/** Offsets in struct avail_share. */
export const shareLayout = {
  seed: 0,
  key: 8,
  side: 9,
  nat: 10,
  insideCount: 11,
  nat4: 12,
  inside: 16,
  clusterMac: 592,
  nodeMac: 598,
  markMask: 604,
  markShift: 608,
  shared4Count: 612,
  shared6Count: 616,
  shared4: 620,
  shared6: 748,
  ifindex: 1260,
  withoutXdp: 1264,
  build: 1268,
  bytes: 1284,
} as const;

/** Offsets in struct avail_prefix. */
export const prefixLayout = { addr: 0, mask: 16, family: 32, bytes: 36 } as const;

const keyNumbers: Readonly<Record<KeyKind, number>> = { source: 0, pair: 1, inside: 2, flow: 3 };

export interface ShareConstants {
  readonly seed: readonly [low: number, high: number];
  readonly key: KeyKind;
  readonly side: "inside" | "outside" | null;
  /** The NAT address, or null. */
  readonly nat4: string | null;
  /** The networks of all inside shares. */
  readonly inside: readonly AddressPrefix[];
  readonly clusterMac: Uint8Array;
  readonly nodeMac: Uint8Array;
  /** 0: the packet mark is left alone. */
  readonly markMask: number;
  readonly addresses: readonly AddressPrefix[];
  readonly ifindex: number;
  /** Whether the classifier at tc ingress was asked for. */
  readonly withoutXdp: boolean;
  /** 32 hexadecimal digits. */
  readonly build: string;
}

/** The bytes of .rodata. */
export function encodeShare(share: ShareConstants): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(shareLayout.bytes);
  const view = new DataView(bytes.buffer);
  const u32 = (offset: number, value: number) => view.setUint32(offset, value, true);

  u32(shareLayout.seed, share.seed[0]);
  u32(shareLayout.seed + 4, share.seed[1]);
  bytes[shareLayout.key] = keyNumbers[share.key];
  bytes[shareLayout.side] = share.side === "outside" ? 1 : 0;
  bytes[shareLayout.nat] = share.nat4 === null ? 0 : 1;
  if (share.nat4 !== null) bytes.set(addressBytes(share.nat4), shareLayout.nat4);
  bytes[shareLayout.insideCount] = share.inside.length;
  share.inside.forEach((prefix, i) => {
    const at = shareLayout.inside + prefixLayout.bytes * i;
    const mask = prefixMask(prefix.family, prefix.prefixLength);
    const address = addressBytes(prefix.address);
    bytes.set(address.map((byte, k) => byte & mask[k]), at + prefixLayout.addr);
    bytes.set(mask, at + prefixLayout.mask);
    bytes[at + prefixLayout.family] = prefix.family;
  });

  bytes.set(share.clusterMac, shareLayout.clusterMac);
  bytes.set(share.nodeMac, shareLayout.nodeMac);
  u32(shareLayout.markMask, share.markMask);
  u32(shareLayout.markShift, share.markMask === 0 ? 0 : lowestBit(share.markMask));
  const shared4 = share.addresses.filter((address) => address.family === 4);
  const shared6 = share.addresses.filter((address) => address.family === 6);
  u32(shareLayout.shared4Count, shared4.length);
  u32(shareLayout.shared6Count, shared6.length);
  shared4.forEach((a, i) => bytes.set(addressBytes(a.address), shareLayout.shared4 + 4 * i));
  shared6.forEach((a, i) => bytes.set(addressBytes(a.address), shareLayout.shared6 + 16 * i));
  u32(shareLayout.ifindex, share.ifindex);
  u32(shareLayout.withoutXdp, share.withoutXdp ? 1 : 0);
  bytes.set(Uint8Array.fromHex(share.build), shareLayout.build);
  return bytes;
}

function lowestBit(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}
