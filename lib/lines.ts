/** Bytes in, lines out: for the control socket, where a line has a bound. */

/** A line that has not ended within its bound. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(readonly bytesMax: number) {}

  /** The lines that end in this chunk, without their ends; throws `LineTooLong`. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end; (end = chunk.indexOf(10, start)) >= 0; start = end + 1) {
      this.#add(chunk.subarray(start, end));
      lines.push(this.#take());
    }
    this.#add(chunk.subarray(start));
    return lines;
  }

  #add(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length > this.bytesMax) {
      throw new LineTooLong(`a line of more than ${this.bytesMax} bytes`);
    }
    if (bytes.length > 0) this.#parts.push(bytes.slice());
  }

  #take(): string {
    const line = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      line.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#length = 0;
    return this.#decoder.decode(line);
  }
}
