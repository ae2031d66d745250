/**
 * The nonces of datagrams: rising numbers, each with a token that only holders of the key can tell
 * beforehand.
 *
 *     u32 token, u64 number
 *
 * Intuition: the tag of an envelope is the same in every datagram, so whoever listens can copy it and
 * flood members past their filter. The token of the next datagram of a member has not been on the wire
 * yet: a filter that lets in only those that are expected next is passed by that member alone, and by
 * repetitions until the filter moves on. Numbers never repeat within one start, so no nonce does.
 *
 * token(n) = the first 4 bytes of AES-256(HKDF(key, "datagram token", incarnation), n as u128), without
 * their highest bit: the kernel compares numbers without it in one instruction.
 */
import { createCipheriv } from "node:crypto";
import { nonceBytes, nonceOffset } from "./seal.ts";
import { derive } from "./keys.ts";

const blockBytes = 16;
const batchLength = 64;

/** The tokens of one start of a node under one key. */
export class Tokens {
  readonly #key: Uint8Array;
  readonly #batches = new Map<number, Uint32Array>();

  constructor(clusterKey: Uint8Array, incarnation: Uint8Array) {
    this.#key = derive(clusterKey, "datagram token", incarnation);
  }

  at(number: number): number {
    const index = Math.floor(number / batchLength);
    let batch = this.#batches.get(index);
    if (batch === undefined) {
      batch = this.#make(index * batchLength);
      this.#batches.set(index, batch);
      // A window spans two batches; an older one is asked for by repetitions only.
      if (this.#batches.size > 3) this.#batches.delete(this.#batches.keys().next().value!);
    }
    return batch[number % batchLength];
  }

  #make(first: number): Uint32Array {
    const blocks = new Uint8Array(batchLength * blockBytes);
    const view = new DataView(blocks.buffer);
    for (let i = 0; i < batchLength; i++) writeNumber(view, i * blockBytes + 8, first + i);
    const cipher = createCipheriv("aes-256-ecb", this.#key, null).setAutoPadding(false);
    const made = new Uint8Array(cipher.update(blocks));
    const words = new DataView(made.buffer);
    return Uint32Array.from(
      { length: batchLength },
      (_, i) => words.getUint32(i * blockBytes) & 0x7fffffff,
    );
  }
}

/** The nonces of one start of a node, in their order. */
export class Nonces {
  #tokens: Tokens;
  #number = 0;

  constructor(clusterKey: Uint8Array, readonly incarnation: Uint8Array) {
    this.#tokens = new Tokens(clusterKey, incarnation);
  }

  /** From here on under another key; the numbers go on. */
  useKey(clusterKey: Uint8Array): void {
    this.#tokens = new Tokens(clusterKey, this.incarnation);
  }

  next(): Uint8Array<ArrayBuffer> {
    const nonce = new Uint8Array(nonceBytes);
    const view = new DataView(nonce.buffer);
    view.setUint32(0, this.#tokens.at(this.#number));
    writeNumber(view, 4, this.#number++);
    return nonce;
  }
}

/** Token and number of a datagram; null: a number that nobody reaches. */
export function tokenOf(
  datagram: Uint8Array,
): { readonly token: number; readonly number: number } | null {
  const view = new DataView(datagram.buffer, datagram.byteOffset + nonceOffset, nonceBytes);
  const number = view.getUint32(4) * 2 ** 32 + view.getUint32(8);
  return Number.isSafeInteger(number) ? { token: view.getUint32(0), number } : null;
}

function writeNumber(view: DataView, at: number, number: number): void {
  view.setUint32(at, Math.floor(number / 2 ** 32));
  view.setUint32(at + 4, number >>> 0);
}
