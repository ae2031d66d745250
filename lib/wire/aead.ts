/** AES-256-GCM (NIST SP 800-38D) with nonces of 12 bytes and tags of 16, as a datagram needs it. */
import { createCipheriv, createDecipheriv } from "node:crypto";

export const gcmTagBytes = 16;

export interface Aead {
  /** Writes the ciphertext of `message` and, behind it, the tag that binds `bound`, too. */
  seal(
    key: Uint8Array<ArrayBuffer>,
    nonce: Uint8Array<ArrayBuffer>,
    bound: Uint8Array<ArrayBuffer>,
    message: Uint8Array<ArrayBuffer>,
    into: Uint8Array<ArrayBuffer>,
  ): void;
  /** The message of what `seal` has written; null: it is not that. */
  open(
    key: Uint8Array<ArrayBuffer>,
    nonce: Uint8Array<ArrayBuffer>,
    bound: Uint8Array<ArrayBuffer>,
    sealed: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> | null;
}

/** The runtime's own. Most of its time goes into the streams that its ciphers are. */
export const runtimeAead: Aead = {
  seal(key, nonce, bound, message, into) {
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    cipher.setAAD(bound);
    into.set(cipher.update(message));
    cipher.final();
    into.set(cipher.getAuthTag(), message.length);
  },

  open(key, nonce, bound, sealed) {
    if (sealed.length < gcmTagBytes) return null;
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: gcmTagBytes });
    decipher.setAAD(bound);
    decipher.setAuthTag(sealed.subarray(sealed.length - gcmTagBytes));
    try {
      const message = decipher.update(sealed.subarray(0, sealed.length - gcmTagBytes));
      decipher.final();
      return new Uint8Array(message);
    } catch {
      return null;
    }
  },
};
