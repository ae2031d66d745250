/**
 * The addresses of this node itself, whose traffic no other node can carry on: those that are not
 * shared, and loopback. Asked once or thrice for each event, so that asking allocates nothing.
 */
export class LocalAddresses {
  #ipv4: ReadonlySet<number> = new Set();
  #ipv6: readonly Uint8Array[] = [];

  /** Replaces them: 4 or 16 bytes each. */
  set(addresses: readonly Uint8Array[]): void {
    this.#ipv4 = new Set(
      addresses.filter((bytes) => bytes.length === 4).map((bytes) => word(bytes, 0)),
    );
    this.#ipv6 = addresses.filter((bytes) => bytes.length === 16);
  }

  /** Whether the address at `bytes[offset ..]` is one of them. */
  readonly has = (bytes: Uint8Array, offset: number, addressBytes: number): boolean => {
    if (addressBytes === 4) return bytes[offset] === 127 || this.#ipv4.has(word(bytes, offset));
    return isLoopback(bytes, offset) || this.#ipv6.some((own) => equals(own, bytes, offset));
  };
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
}

/** ::1 */
function isLoopback(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 15; i++) if (bytes[at + i] !== 0) return false;
  return bytes[at + 15] === 1;
}

function equals(own: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i++) if (own[i] !== bytes[at + i]) return false;
  return true;
}
