/** The machine's AES-256-GCM: libcrypto where it is, at a tenth of the runtime's own cost. */
import { AesGcm } from "../../ffi/libcrypto.ts";
import { type Aead, gcmTagBytes, runtimeAead } from "../wire/aead.ts";

/** What it is to be used for is tried first, so that a library that is not what it seems is left alone. */
export function openAead(open: () => Aead | null = () => AesGcm.open()): Aead {
  const machines = open();
  return machines !== null && isSame(machines, runtimeAead) ? machines : runtimeAead;
}

/** Whether each opens what the other has sealed, and nothing else. */
function isSame(one: Aead, other: Aead): boolean {
  const key = new Uint8Array(32).fill(1), nonce = new Uint8Array(12).fill(2);
  const bound = new Uint8Array(44).fill(3), message = new Uint8Array(100).fill(4);
  const ways = [[one, other], [other, one]];
  try {
    return ways.every(([sealing, opening]) => {
      const sealed = new Uint8Array(message.length + gcmTagBytes);
      sealing.seal(key, nonce, bound, message, sealed);
      const opened = opening.open(key, nonce, bound, sealed);
      sealed[0] ^= 1;
      return opened?.toHex() === message.toHex() &&
        opening.open(key, nonce, bound, sealed) === null;
    });
  } catch {
    return false;
  }
}
