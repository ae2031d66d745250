/**
 * The two directions of a join once both public keys are known: AES-256-GCM under keys that follow
 * from a fresh X25519 secret (RFC 7748) and from the token. Without the token nobody gets in between;
 * with the token, later, nobody reads what was recorded.
 */
import {
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { gcmTagBytes, runtimeAead } from "../wire/aead.ts";
import { derive } from "../wire/keys.ts";

/** A key pair for one connection. */
export interface KeyPair {
  readonly secret: KeyObject;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export function freshKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  const { x } = publicKey.export({ format: "jwk" });
  return { secret: privateKey, publicKey: Uint8Array.fromBase64(x!, { alphabet: "base64url" }) };
}

export type JoinEnd = "joiner" | "issuer";

export interface ChannelSource {
  readonly end: JoinEnd;
  readonly own: KeyPair;
  readonly peerPublicKey: Uint8Array;
  readonly tokenKey: Uint8Array;
  /** The body of HELLO, which names token, versions and the joiner's public key. */
  readonly hello: Uint8Array;
  readonly issuerPublicKey: Uint8Array;
}

export class Channel {
  readonly #sends: Direction;
  readonly #opens: Direction;

  /** Null where the peer's public key is none (its secret with ours would be zero). */
  static open(source: ChannelSource): Channel | null {
    const shared = sharedSecret(source.own.secret, source.peerPublicKey);
    return shared && new Channel(source, shared);
  }

  private constructor(source: ChannelSource, shared: Uint8Array) {
    const secret = new Uint8Array([...shared, ...source.tokenKey]);
    const transcript = new Uint8Array(
      createHash("sha256").update(source.hello).update(source.issuerPublicKey).digest(),
    );
    const toward = (end: JoinEnd) => new Direction(derive(secret, `join to ${end}`, transcript));
    const peer = source.end === "joiner" ? "issuer" : "joiner";
    this.#sends = toward(peer);
    this.#opens = toward(source.end);
  }

  /** `kind`: of the frame that it travels in, which is bound too. */
  seal(kind: number, message: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#sends.seal(kind, message);
  }

  /** Null where it was not sealed for this place of this exchange. */
  open(kind: number, sealed: Uint8Array): Uint8Array<ArrayBuffer> | null {
    return this.#opens.open(kind, sealed);
  }
}

/** Messages one way, numbered: none can be left out, repeated or put elsewhere. */
class Direction {
  #number = 0;

  constructor(readonly key: Uint8Array<ArrayBuffer>) {}

  seal(kind: number, message: Uint8Array): Uint8Array<ArrayBuffer> {
    const sealed = new Uint8Array(message.length + gcmTagBytes);
    const bound = new Uint8Array([kind]);
    runtimeAead.seal(this.key, this.#nonce(), bound, new Uint8Array(message), sealed);
    return sealed;
  }

  open(kind: number, sealed: Uint8Array): Uint8Array<ArrayBuffer> | null {
    if (sealed.length < gcmTagBytes) return null;
    const bound = new Uint8Array([kind]);
    return runtimeAead.open(this.key, this.#nonce(), bound, new Uint8Array(sealed));
  }

  #nonce(): Uint8Array<ArrayBuffer> {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(8, this.#number++);
    return nonce;
  }
}

function sharedSecret(secret: KeyObject, publicKey: Uint8Array): Uint8Array | null {
  const x = publicKey.toBase64({ alphabet: "base64url", omitPadding: true });
  try {
    const peer = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
    const shared = new Uint8Array(diffieHellman({ privateKey: secret, publicKey: peer }));
    return shared.some((byte) => byte !== 0) ? shared : null;
  } catch {
    return null;
  }
}
