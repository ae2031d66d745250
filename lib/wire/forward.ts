/**
 * A control request on its way to another node, and the answer on its way back.
 *
 *     request: u8 type 3, 16 bytes incarnation that is asked, u64 number, u64 echo, then the text
 *     answer:  u8 type 4, 16 bytes incarnation that asked, u64 number, u8 index, u8 count, a piece
 *
 * The number names the request among all of its sender's start. The echo is the newest heartbeat that
 * the sender has of the one it asks, which shows by its own clock how fresh the request is. Text is
 * JSON in UTF-8; a request is one datagram, an answer comes in parts.
 */
import { fromHex, Reader, ShortMessage, toHex, Writer } from "./cursor.ts";
import { incarnationBytes } from "./seal.ts";

export const forwardRequestType = 3;
export const forwardAnswerType = 4;

/** Text in one datagram: header, envelope, IPv4 and UDP beside it fit 1500 bytes. */
export const forwardPieceBytesMax = 1280;
/**
 * `avail status` of 16 nodes that all back each other has about 35. Quoted again on its way to the
 * core's thread an answer at most doubles, and a socket pair takes 208 KiB at once.
 */
const partsMax = 64;
export const forwardAnswerBytesMax = partsMax * forwardPieceBytesMax;

export interface ForwardRequest {
  readonly kind: "request";
  /** Who is asked: 32 hexadecimal digits. */
  readonly to: string;
  readonly id: number;
  readonly echo: number;
  readonly text: string;
}

export interface ForwardAnswerPart {
  readonly kind: "answer";
  /** Who has asked: 32 hexadecimal digits. */
  readonly to: string;
  readonly id: number;
  readonly index: number;
  readonly count: number;
  readonly piece: Uint8Array;
}

export function isForward(message: Uint8Array): boolean {
  return message[0] === forwardRequestType || message[0] === forwardAnswerType;
}

export function encodeForwardRequest(request: Omit<ForwardRequest, "kind">) {
  const text = new TextEncoder().encode(request.text);
  return new Writer(40 + text.length).u8(forwardRequestType).raw(fromHex(request.to))
    .u64(request.id).u64(request.echo).raw(text).bytes;
}

/** The parts of an answer of `forwardAnswerBytesMax` at most; an empty one is one part, too. */
export function encodeForwardAnswer(
  answer: { readonly to: string; readonly id: number; readonly text: string },
): Uint8Array<ArrayBuffer>[] {
  const text = new TextEncoder().encode(answer.text);
  const count = Math.max(1, Math.ceil(text.length / forwardPieceBytesMax));
  return Array.from({ length: count }, (_, index) => {
    const piece = text.subarray(index * forwardPieceBytesMax, (index + 1) * forwardPieceBytesMax);
    return new Writer(40 + piece.length).u8(forwardAnswerType).raw(fromHex(answer.to))
      .u64(answer.id).u8(index).u8(count).raw(piece).bytes;
  });
}

/** What it is, or why it cannot be either. */
export function decodeForward(
  message: Uint8Array,
): ForwardRequest | ForwardAnswerPart | { readonly refusal: string } {
  const isRequest = message[0] === forwardRequestType;
  const refusal = isRequest ? "malformed request" : "malformed answer";
  const reader = new Reader(message);
  try {
    reader.u8();
    const to = toHex(reader.raw(incarnationBytes));
    const id = reader.u64();
    if (isRequest) {
      const echo = reader.u64();
      if (reader.remaining > forwardPieceBytesMax) return { refusal };
      const text = new TextDecoder().decode(reader.raw(reader.remaining));
      return { kind: "request", to, id, echo, text };
    }
    const index = reader.u8();
    const count = reader.u8();
    if (count === 0 || count > partsMax || index >= count) return { refusal };
    return { kind: "answer", to, id, index, count, piece: reader.raw(reader.remaining) };
  } catch (error) {
    if (error instanceof ShortMessage) return { refusal };
    throw error;
  }
}

/** Puts the parts of one answer together; parts may come in any order and again. */
export class AnswerAssembly {
  #pieces: (Uint8Array | undefined)[] = [];

  /** The text, when this was the last missing part. */
  add({ index, count, piece }: ForwardAnswerPart): string | null {
    if (count !== this.#pieces.length) this.#pieces = new Array(count).fill(undefined);
    this.#pieces[index] = piece;
    const pieces = this.#pieces.filter((piece) => piece !== undefined);
    if (pieces.length < count) return null;
    const writer = new Writer(pieces.reduce((sum, piece) => sum + piece.length, 0));
    for (const piece of pieces) writer.raw(piece);
    return new TextDecoder().decode(writer.bytes);
  }
}
