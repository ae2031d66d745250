/** A few addresses, to be asked with every flow: nothing is allocated. */
export class AddressList {
  /** `addresses`: 4 or 16 bytes each. */
  constructor(readonly addresses: readonly Uint8Array[]) {}

  /** Whether `bytes[offset .. offset + length]` is one of them. */
  has(bytes: Uint8Array, offset: number, length: number): boolean {
    for (const known of this.addresses) {
      if (known.length !== length) continue;
      let i = 0;
      while (i < length && known[i] === bytes[offset + i]) i++;
      if (i === length) return true;
    }
    return false;
  }
}
