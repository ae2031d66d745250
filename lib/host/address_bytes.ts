/** Addresses and masks in network order, as the kernel's structures hold them. */
import { assert } from "../errors.ts";
import { parseAddress } from "../wire/address.ts";

/** 4 or 16 bytes of an address in canonical text. */
export function addressBytes(address: string): Uint8Array {
  const parsed = parseAddress(address);
  assert(parsed !== null, `not an address: ${address}`);
  return parsed.bytes;
}

/** 4 or 16 bytes whose first `length` bits are set. */
export function prefixMask(family: 4 | 6, length: number): Uint8Array {
  return Uint8Array.from(
    { length: family === 4 ? 4 : 16 },
    (_, i) => 0xff00 >> Math.min(8, Math.max(0, length - 8 * i)) & 0xff,
  );
}
