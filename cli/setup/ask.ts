/**
 * Questions at a terminal, a line each: they work the same over ssh, on a serial console and under
 * expect(1). Nothing is asked where nobody can answer.
 */
import { AvailError } from "../../lib/errors.ts";
import { LineSplitter } from "../../lib/lines.ts";
import type { Context } from "../context.ts";
import { paint } from "../render.ts";

/** Whether somebody sits there. */
export function canAsk(): boolean {
  return Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
}

export class Questions {
  readonly #context: Context;
  readonly #splitter = new LineSplitter(8192);
  #lines: string[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  say(text = ""): void {
    this.#context.process.stdout.write(`${text}\n`);
  }

  /**
   * Asks until `read` takes the answer; what it throws is told. An empty answer stands for
   * `byDefault`. Throws `AvailError` where the input ends.
   */
  ask<T>(question: string, byDefault: string, read: (answer: string) => T): T {
    const { process, style } = this.#context;
    for (;;) {
      const hint = byDefault === "" ? "" : ` ${paint(`[${byDefault}]`, "dim", style)}`;
      process.stdout.write(`${paint(question, "bold", style)}${hint}: `);
      const answer = this.#readLine().trim() || byDefault;
      try {
        return read(answer);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.say(paint(`  ${why}`, "yellow", style));
      }
    }
  }

  confirm(question: string): boolean {
    return this.ask(`${question} (y/n)`, "y", (answer) => {
      if (/^(y|yes)$/i.test(answer)) return true;
      if (/^(n|no)$/i.test(answer)) return false;
      throw new Error("answer y or n");
    });
  }

  #readLine(): string {
    const buffer = new Uint8Array(1024);
    while (this.#lines.length === 0) {
      const length = Deno.stdin.readSync(buffer);
      if (length === null) {
        this.say();
        throw new AvailError("no more answers came; nothing was changed");
      }
      this.#lines = this.#splitter.push(buffer.subarray(0, length));
    }
    return this.#lines.shift()!;
  }
}
