/** What the tests of replication share: keys, and a bucket function that a reader can follow. */
import { derive, type KeyRing } from "../../lib/wire/keys.ts";

/** A key ring from a word, the same in every process. */
export function deriveTestKeys(word = "test"): KeyRing {
  const secret = new TextEncoder().encode(word);
  return {
    seed: derive(secret, "seed"),
    keys: [{ id: 7, bytes: derive(secret, "key 7") }, { id: 8, bytes: derive(secret, "key 8") }],
  };
}

/** XOR of the last bytes of both addresses: symmetric, and easy to name in a test. */
export function testBucketOf(
  bytes: Uint8Array,
  sourceOffset: number,
  destinationOffset: number,
  addressBytes: number,
): number {
  return bytes[sourceOffset + addressBytes - 1] ^ bytes[destinationOffset + addressBytes - 1];
}
