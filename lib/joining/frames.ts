/**
 * The frames of a join, in the order of docs/protocol.md. Each is
 *
 *      0  u16  length of what follows
 *      2  4    "avjn"
 *      6  u8   kind
 *      7  …    by kind
 *
 *     1 HELLO    to the issuer: u8 version min, u8 version max, 8 token id, 32 public key,
 *                32 HMAC-SHA-256 under HKDF(token key, "join hello") of the frame before it
 *     2 WELCOME  to the joiner: u8 version, 32 public key, sealed: template or refusal
 *     3 CLAIM    to the issuer: sealed: who wants to join
 *     4 GRANT    to the joiner: sealed: keys or refusal
 *     5 DONE     to the issuer: sealed: nothing
 *     6 REFUSED  to the joiner, instead of WELCOME, unproven: u8 reason, u8 version min, u8 version max
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { Reader, ShortMessage, Writer } from "../wire/cursor.ts";
import { derive } from "../wire/keys.ts";

export const kindHello = 1;
export const kindWelcome = 2;
export const kindClaim = 3;
export const kindGrant = 4;
export const kindDone = 5;
export const kindRefused = 6;

/** What this program speaks. */
export const joinVersion = 1;
export const joinVersionOldest = 1;

export const publicKeyBytes = 32;
const tokenIdBytes = 8;
const macBytes = 32;
const lengthBytes = 2;
const magic = new Uint8Array([0x61, 0x76, 0x6a, 0x6e]); // "avjn"

/** What a frame may hold beside its length: a configuration of 16 full shares has some 20 kB. */
export const frameBytesMax = 0xffff;
/** Before it has proved itself, a joiner gets this much memory and no more. */
export const helloBytes = magic.length + 1 + 2 + tokenIdBytes + publicKeyBytes + macBytes;

/** Why an end was not understood; each is counted. */
export type JoinRefusal =
  | "magic"
  | "length"
  | "kind"
  | "version"
  | "unknown token"
  | "not authentic"
  | "content"
  | "out of turn";

export const refusedReasons = ["unknown token", "version", "busy"] as const;
export type RefusedReason = typeof refusedReasons[number];

export interface Hello {
  readonly versionMin: number;
  readonly versionMax: number;
  /** 16 hexadecimal digits. */
  readonly token: string;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/** Cuts a stream of bytes into frames, without their lengths. */
export class FrameSplitter {
  #bytes = new Uint8Array(0);
  /** What the next frame may hold. */
  bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  push(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + chunk.length);
    joined.set(this.#bytes);
    joined.set(chunk, this.#bytes.length);
    this.#bytes = joined;
  }

  /** The next whole frame; null: not there yet; "length": it is too long, or too short for a kind. */
  next(): Uint8Array<ArrayBuffer> | "length" | null {
    if (this.#bytes.length < lengthBytes) return null;
    const length = this.#bytes[0] << 8 | this.#bytes[1];
    if (length > this.bytesMax || length <= magic.length) return "length";
    if (this.#bytes.length < lengthBytes + length) return null;
    const frame = this.#bytes.slice(lengthBytes, lengthBytes + length);
    this.#bytes = this.#bytes.slice(lengthBytes + length);
    return frame;
  }

  /** Whether more came than whole frames. */
  get hasRest(): boolean {
    return this.#bytes.length > 0;
  }
}

/** A frame of a kind with its length before it. */
export function frameOf(kind: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, magic.length + 1);
  const writer = new Writer(lengthBytes + length).u16(length).raw(magic).u8(kind);
  for (const part of parts) writer.raw(part);
  return writer.bytes;
}

/** The kind of a frame and what follows it. */
export function openFrame(
  frame: Uint8Array,
): { readonly kind: number; readonly body: Uint8Array } | "magic" {
  if (magic.some((byte, i) => frame[i] !== byte)) return "magic";
  return { kind: frame[magic.length], body: frame.subarray(magic.length + 1) };
}

export function encodeHello(hello: Hello, tokenKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = new Writer(helloBytes).u8(hello.versionMin).u8(hello.versionMax)
    .raw(Uint8Array.fromHex(hello.token)).raw(hello.publicKey).bytes;
  return frameOf(kindHello, body, macOf(tokenKey, body));
}

/** Reads a greeting's body; nothing of it is proved before `isHelloProved`. */
export function decodeHello(body: Uint8Array): Hello | "length" {
  if (body.length !== helloBytes - magic.length - 1) return "length";
  const reader = new Reader(body);
  return {
    versionMin: reader.u8(),
    versionMax: reader.u8(),
    token: reader.hex(tokenIdBytes),
    publicKey: reader.raw(publicKeyBytes),
  };
}

/** Whether who sent this greeting has the token; takes the same time for every answer. */
export function isHelloProved(body: Uint8Array, tokenKey: Uint8Array): boolean {
  const at = body.length - macBytes;
  return timingSafeEqual(body.subarray(at), macOf(tokenKey, body.subarray(0, at)));
}

function macOf(tokenKey: Uint8Array, body: Uint8Array): Uint8Array {
  const hmac = createHmac("sha256", derive(tokenKey, "join hello"));
  return new Uint8Array(hmac.update(magic).update(body).digest());
}

export function encodeWelcome(publicKey: Uint8Array, sealed: Uint8Array): Uint8Array<ArrayBuffer> {
  return frameOf(kindWelcome, new Uint8Array([joinVersion]), publicKey, sealed);
}

export function decodeWelcome(body: Uint8Array): {
  readonly version: number;
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array<ArrayBuffer>;
} | "length" {
  try {
    const reader = new Reader(body);
    const version = reader.u8();
    const publicKey = reader.raw(publicKeyBytes);
    return { version, publicKey, sealed: reader.raw(reader.remaining) };
  } catch (error) {
    if (error instanceof ShortMessage) return "length";
    throw error;
  }
}

export function encodeRefused(reason: RefusedReason): Uint8Array<ArrayBuffer> {
  const code = refusedReasons.indexOf(reason) + 1;
  return frameOf(kindRefused, new Uint8Array([code, joinVersionOldest, joinVersion]));
}

export function decodeRefused(body: Uint8Array): {
  readonly reason: RefusedReason;
  readonly versionMin: number;
  readonly versionMax: number;
} | "content" {
  const reason = refusedReasons[body[0] - 1];
  if (body.length !== 3 || reason === undefined) return "content";
  return { reason, versionMin: body[1], versionMax: body[2] };
}
