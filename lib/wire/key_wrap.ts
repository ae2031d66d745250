/**
 * A cluster key on its way to another node, which has no use for it but the receiver's.
 *
 * It travels in datagrams that an older key seals. Whoever has that one (the reason for many a
 * rotation) and only listens must not learn the new one, so the two agree on a fresh secret first
 * (X25519, RFC 7748): the receiver offers a public key, the sender answers with its own and the key
 * sealed by what follows from both. (Who has the older key and can hold back datagrams can stand
 * between the two; against that one a new key is carried by hand.)
 */
import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { derive, secretBytes } from "./keys.ts";

/** What a receiver keeps until the key comes, and what it tells the sender. */
export interface Offer {
  readonly secret: KeyObject;
  /** The public key, in base64url (RFC 8037). */
  readonly offered: string;
}

export interface WrappedKey {
  /** The sender's public key, in base64url. */
  readonly offered: string;
  /** 96 hexadecimal digits: the key and the tag of its seal. */
  readonly sealed: string;
}

const gcmTagBytes = 16;
/** Each wrapping key is used once. */
const nonce = new Uint8Array(12);

export function offerKey(): Offer {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  return { secret: privateKey, offered: publicKey.export({ format: "jwk" }).x! };
}

/** Seals a key for whoever made the offer; throws where that is none. */
export function wrapKey(key: Uint8Array, offered: string): WrappedKey {
  const own = offerKey();
  const wrapping = wrappingKey(own.secret, offered, [offered, own.offered]);
  const cipher = createCipheriv("aes-256-gcm", wrapping, nonce);
  const sealed = new Uint8Array(secretBytes + gcmTagBytes);
  sealed.set(cipher.update(key));
  cipher.final();
  sealed.set(cipher.getAuthTag(), secretBytes);
  return { offered: own.offered, sealed: sealed.toHex() };
}

/** The key; null where it was not sealed for this offer. */
export function unwrapKey(offer: Offer, wrapped: WrappedKey): Uint8Array<ArrayBuffer> | null {
  try {
    const sealed = Uint8Array.fromHex(wrapped.sealed);
    if (sealed.length !== secretBytes + gcmTagBytes) return null;
    const wrapping = wrappingKey(offer.secret, wrapped.offered, [offer.offered, wrapped.offered]);
    const decipher = createDecipheriv("aes-256-gcm", wrapping, nonce, {
      authTagLength: gcmTagBytes,
    });
    decipher.setAuthTag(sealed.subarray(secretBytes));
    const key = decipher.update(sealed.subarray(0, secretBytes));
    decipher.final();
    return new Uint8Array(key);
  } catch {
    return null;
  }
}

function wrappingKey(
  secret: KeyObject,
  offered: string,
  transcript: readonly string[],
): Uint8Array<ArrayBuffer> {
  const jwk = { kty: "OKP", crv: "X25519", x: offered };
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  const shared = new Uint8Array(diffieHellman({ privateKey: secret, publicKey })); // throws if zero
  return derive(shared, "key wrap", new TextEncoder().encode(transcript.join(" ")));
}
