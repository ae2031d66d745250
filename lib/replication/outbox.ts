/**
 * What waits to be sent to one peer, bounded, and what of it is not acknowledged yet.
 *
 * TCP loses nothing while it stands, so that nothing is kept once it is handed over: only positions
 * are, with the time at which they were put in. A peer that reads too slowly fills the queue; then
 * all that waits is dropped at once (`drop`), positions go back to what was handed over, and the
 * buckets are sent anew.
 */
import { messageHeadBytes, writeMessageHead } from "./messages.ts";
import { plaintextBytesMax } from "./stream.ts";

/** Marks are merged beyond this: one for each gathering of events within any sensible lag. */
const marksMax = 1024;

interface Mark {
  position: number;
  readonly at: number;
}

interface Chunk {
  readonly bytes: Uint8Array;
  length: number;
  messages: number;
}

export class Outbox {
  #chunks: Chunk[] = [];
  #spare: Chunk | null = null;
  #marks: Mark[] = [];
  /** Position of the last message that was put in, that was handed over, that was acknowledged. */
  #last = 0;
  #handedOver = 0;
  #acknowledged = 0;

  /** `bytesMax`: how much may wait, in whole frames. */
  constructor(readonly bytesMax: number) {}

  get lastPosition(): number {
    return this.#last;
  }

  get acknowledgedPosition(): number {
    return this.#acknowledged;
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Bytes of memory that wait. */
  get waitingBytes(): number {
    return this.#chunks.length * plaintextBytesMax;
  }

  /**
   * Puts a state message in; false where there is no room, and then nothing has changed.
   * `now`: since when it waits.
   */
  put(type: number, body: Uint8Array, bodyBytes: number, now: number): boolean {
    const length = messageHeadBytes + bodyBytes;
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.length + length > plaintextBytesMax) {
      if (this.waitingBytes + plaintextBytesMax > this.bytesMax) return false;
      chunk = this.#spare ??
        { bytes: new Uint8Array(plaintextBytesMax), length: 0, messages: 0 };
      this.#spare = null;
      this.#chunks.push(chunk);
    }
    writeMessageHead(chunk.bytes, chunk.length, type, bodyBytes);
    const at = chunk.length + messageHeadBytes;
    for (let i = 0; i < bodyBytes; i++) chunk.bytes[at + i] = body[i];
    chunk.length += length;
    chunk.messages++;
    this.#last++;
    this.#mark(now);
    return true;
  }

  #mark(now: number): void {
    const newest = this.#marks.at(-1);
    if (newest !== undefined && (newest.at === now || this.#marks.length >= marksMax)) {
      newest.position = this.#last;
    } else {
      this.#marks.push({ position: this.#last, at: now });
    }
  }

  /**
   * Hands the next frame's plaintext over to `send`, which must be done with it on return; false when
   * nothing waits.
   */
  handOver(send: (plaintext: Uint8Array) => void): boolean {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return false;
    send(chunk.bytes.subarray(0, chunk.length));
    this.#handedOver += chunk.messages;
    chunk.length = chunk.messages = 0;
    this.#spare = chunk;
    return true;
  }

  /** The peer has all up to `position`; false where that was never sent. */
  acknowledge(position: number): boolean {
    if (position > this.#handedOver || position < this.#acknowledged) return false;
    this.#acknowledged = position;
    let done = 0;
    while (done < this.#marks.length && this.#marks[done].position <= position) done++;
    if (done > 0) this.#marks.splice(0, done);
    return true;
  }

  /** How long the oldest message without acknowledgement waits; 0 where there is none. */
  lagMs(now: number): number {
    return this.#marks.length === 0 ? 0 : Math.max(0, now - this.#marks[0].at);
  }

  /** Forgets all that was not handed over. */
  drop(): void {
    this.#chunks = [];
    this.#last = this.#handedOver;
    while (this.#marks.length > 0 && this.#marks.at(-1)!.position > this.#last) {
      const cut = this.#marks.pop()!;
      const before = this.#marks.at(-1)?.position ?? this.#acknowledged;
      // A mark that the cut divides still stands for what was handed over.
      if (before < this.#last) {
        this.#marks.push({ position: this.#last, at: cut.at });
        break;
      }
    }
  }
}
