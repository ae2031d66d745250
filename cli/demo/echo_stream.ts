/**
 * Messages on an echoed TCP stream: sequence number and length (two 32-bit words), then filling. The
 * reader accepts nothing but the same messages in the same order.
 */

const headerBytes = 8;

/** @param lengthBytes The whole message, at least 8. */
export function echoMessage(sequence: number, lengthBytes: number): Uint8Array {
  const message = new Uint8Array(Math.max(headerBytes, lengthBytes));
  const view = new DataView(message.buffer);
  view.setUint32(0, sequence);
  view.setUint32(4, message.length);
  message.fill(sequence & 0xff, headerBytes);
  return message;
}

export class EchoReader {
  /** The message that comes next, from 0. */
  sequence = 0;
  readonly #header = new Uint8Array(headerBytes);
  #headerRead = 0;
  #bodyLeft = 0;

  /** @returns How many messages this chunk completed. @throws Error where the stream is damaged. */
  push(chunk: Uint8Array): number {
    let completed = 0;
    for (let at = 0; at < chunk.length;) {
      if (this.#headerRead < headerBytes) {
        const part = chunk.subarray(at, at + headerBytes - this.#headerRead);
        this.#header.set(part, this.#headerRead);
        this.#headerRead += part.length;
        at += part.length;
        if (this.#headerRead < headerBytes) break;
        this.#bodyLeft = this.#checkedLength() - headerBytes;
      } else {
        const part = Math.min(this.#bodyLeft, chunk.length - at);
        if (chunk[at] !== (this.sequence & 0xff)) throw this.#damage(`filling ${chunk[at]}`);
        this.#bodyLeft -= part;
        at += part;
      }
      if (this.#bodyLeft === 0) {
        this.#headerRead = 0;
        this.sequence++;
        completed++;
      }
    }
    return completed;
  }

  #checkedLength(): number {
    const view = new DataView(this.#header.buffer);
    const sequence = view.getUint32(0);
    const length = view.getUint32(4);
    if (sequence !== this.sequence >>> 0) throw this.#damage(`sequence ${sequence}`);
    if (length < headerBytes) throw this.#damage(`length ${length}`);
    return length;
  }

  #damage(found: string): Error {
    return new Error(`the echo of message ${this.sequence} is damaged: ${found}`);
  }
}
