/** What a command waits for, in one line that changes: for people at a terminal, and nobody else. */
import type { Context } from "./context.ts";

const columnsMax = 79;

export class Progress {
  readonly #write: (text: string) => void;
  #shown = "";

  constructor({ process }: Context, isTerminal = Deno.stderr.isTerminal()) {
    this.#write = isTerminal ? (text) => process.stderr.write(text) : () => {};
  }

  show(text: string): void {
    if (text === this.#shown) return;
    // CSI K clears the rest of the line (ECMA-48, 8.3.41); a line that wraps could not be taken back.
    this.#write(`\r\x1b[K${text.slice(0, columnsMax)}`);
    this.#shown = text;
  }

  /** Takes the line away; what follows stands in its place. */
  [Symbol.dispose](): void {
    if (this.#shown !== "") this.#write("\r\x1b[K");
  }
}
