/**
 * The greeting of a stream (docs/protocol_streams.md, "Handshake"): who speaks to whom, in which of
 * their lives, with fresh randomness. Three messages, each behind its u16 length:
 *
 *   HELLO, WELCOME   "avst", u8 kind, u8 version min, u8 version max, u8 key id,
 *                    16 sender's incarnation, 16 receiver's incarnation, 32 randomness,
 *                    u8 length + cluster, u8 length + sender's name, u8 length + receiver's name,
 *                    32 HMAC-SHA-256
 *   FINISH           "avst", u8 kind, 32 HMAC-SHA-256
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { nameBytesMax } from "../limits.ts";

export const kindHello = 1;
export const kindWelcome = 2;
export const kindFinish = 3;

export const randomLength = 32;
export const macBytes = 32;
/** Where the key's id stands in a greeting. */
export const helloKeyIdOffset = 7;
const magic = [0x61, 0x76, 0x73, 0x74]; // "avst"
const fixedBytes = 8 + 16 + 16 + randomLength;

/** Longest greeting without its length: three names and the MAC. */
export const helloBytesMax = fixedBytes + 3 * (1 + nameBytesMax) + macBytes;
export const finishBytes = magic.length + 1 + macBytes;

export interface Hello {
  readonly kind: number;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly keyId: number;
  /** 32 hexadecimal digits each. */
  readonly senderIncarnation: string;
  readonly receiverIncarnation: string;
  readonly random: Uint8Array;
  readonly cluster: string;
  readonly sender: string;
  readonly receiver: string;
}

/** The greeting's bytes without its MAC. */
export function encodeHello(hello: Hello): Uint8Array<ArrayBuffer> {
  const names = [hello.cluster, hello.sender, hello.receiver].map((name) =>
    new TextEncoder().encode(name)
  );
  const length = fixedBytes + names.reduce((sum, name) => sum + 1 + name.length, 0);
  const bytes = new Uint8Array(length);
  bytes.set(magic);
  bytes.set([hello.kind, hello.versionMin, hello.versionMax, hello.keyId], 4);
  bytes.set(fromHex(hello.senderIncarnation), 8);
  bytes.set(fromHex(hello.receiverIncarnation), 24);
  bytes.set(hello.random, 40);
  let at = fixedBytes;
  for (const name of names) {
    bytes[at] = name.length;
    bytes.set(name, at + 1);
    at += 1 + name.length;
  }
  return bytes;
}

/** Reads a greeting; `bytes` is the message with its MAC, which is not looked at here. */
export function decodeHello(bytes: Uint8Array): Hello | "magic" | "length" {
  if (bytes.length < fixedBytes + macBytes) return "length";
  if (!hasMagic(bytes)) return "magic";
  const names: string[] = [];
  let at = fixedBytes;
  const end = bytes.length - macBytes;
  for (let i = 0; i < 3; i++) {
    if (at >= end || at + 1 + bytes[at] > end) return "length";
    names.push(new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + bytes[at])));
    at += 1 + bytes[at];
  }
  if (at !== end) return "length";
  return {
    kind: bytes[4],
    versionMin: bytes[5],
    versionMax: bytes[6],
    keyId: bytes[7],
    senderIncarnation: toHex(bytes.subarray(8, 24)),
    receiverIncarnation: toHex(bytes.subarray(24, 40)),
    random: bytes.slice(40, 40 + randomLength),
    cluster: names[0],
    sender: names[1],
    receiver: names[2],
  };
}

/** FINISH without its MAC. */
export function encodeFinish(): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...magic, kindFinish]);
}

export function hasMagic(bytes: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** HMAC-SHA-256 over the parts, one behind the other. */
export function macOf(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return new Uint8Array(hmac.digest());
}

/** Whether `bytes` ends with `mac`; takes the same time for every answer. */
export function endsWithMac(bytes: Uint8Array, mac: Uint8Array): boolean {
  return timingSafeEqual(bytes.subarray(bytes.length - macBytes), mac);
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
