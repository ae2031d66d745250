/** Bytes of packets, built by hand: for the vectors and for the tests that break them. */

import { parseAddress } from "../../lib/wire/address.ts";

export type Bytes = readonly number[];

export const be16 = (value: number): Bytes => [value >> 8 & 0xff, value & 0xff];
export const zeros = (count: number): Bytes => new Array<number>(count).fill(0);

/** Address text to its bytes. */
export function ip(text: string): Bytes {
  const address = parseAddress(text);
  if (!address) throw new TypeError(`building a packet: no address: ${text}`);
  return [...address.bytes];
}

/** @param tags Ethertype and tag control word of each VLAN tag. */
export function ethernet(type: number, payload: Bytes, tags: readonly [number, number][] = []) {
  const words = [...tags.flatMap(([tpid, control]) => [tpid, control]), type];
  const macs = [3, 0, 0x5e, 0, 0, 1, 2, 0, 0, 0, 0, 2];
  return [...macs, ...words.flatMap(be16), ...payload];
}

export interface Ipv4Options {
  /** Flags and offset as on the wire: 0x2000 more fragments, 0x4000 do not fragment. */
  readonly fragment?: number;
  /** Multiple of four bytes. */
  readonly options?: Bytes;
}

export function ipv4(from: string, to: string, proto: number, payload: Bytes, o: Ipv4Options = {}) {
  const options = o.options ?? [];
  const length = 20 + options.length;
  return [
    0x40 | length / 4,
    0,
    ...be16(length + payload.length),
    ...be16(0x1234),
    ...be16(o.fragment ?? 0),
    64,
    proto,
    0,
    0,
    ...ip(from),
    ...ip(to),
    ...options,
    ...payload,
  ];
}

export function ipv6(from: string, to: string, next: number, payload: Bytes): Bytes {
  return [0x60, 0, 0, 0, ...be16(payload.length), next, 64, ...ip(from), ...ip(to), ...payload];
}

/** An extension header of 8 (1 + units) bytes. */
export const extension = (next: number, units: number, rest: Bytes): Bytes => [
  next,
  units,
  ...zeros(6 + 8 * units),
  ...rest,
];

/** An authentication header of 4 (2 + units) bytes. */
export const authentication = (next: number, units: number, rest: Bytes): Bytes => [
  next,
  units,
  ...zeros(6 + 4 * units),
  ...rest,
];

/** @param offset In units of 8 bytes. */
export const fragmentHeader = (
  next: number,
  offset: number,
  more: boolean,
  rest: Bytes,
): Bytes => [next, 0, ...be16(offset << 3 | Number(more)), 0, 0, 0, 7, ...rest];

export const ports = (source: number, destination: number, rest: Bytes = zeros(16)): Bytes => [
  ...be16(source),
  ...be16(destination),
  ...rest,
];

export const icmp = (type: number, word: number, rest: Bytes = []): Bytes => [
  type,
  0,
  0,
  0,
  ...be16(word),
  ...be16(1),
  ...rest,
];
