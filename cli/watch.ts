/**
 * A screen that is drawn again and again in its place: on the terminal's other page, so that what was
 * there before comes back at the end, whatever ends it.
 *
 *     Ctrl-C, q, SIGTERM, SIGHUP   the end: cursor, page and line discipline as they were
 *     Ctrl-Z                       the same, then stopped; SIGCONT draws again
 *     a resize, any other key      draws at once
 */
import type { Context } from "./context.ts";
import { fit, type Size } from "./screen_fit.ts";

/** xterm's control sequences: other page, cursor (DECTCEM), home, end of line and page (ECMA-48, 8.3). */
const enter = "\x1b[?1049h\x1b[?25l";
const leave = "\x1b[?25h\x1b[?1049l";
const home = "\x1b[H";
const clearLine = "\x1b[K";
const clearBelow = "\x1b[J";
/** Terminals that know it show the whole picture at once; the others ignore it. */
const begin = "\x1b[?2026h";
const end = "\x1b[?2026l";

/** q, Q, and Ctrl-C and Ctrl-D where the terminal makes no signals of them. */
const endKeys: readonly number[] = [0x71, 0x51, 3, 4];

export interface Watched {
  readonly everyMs: number;
  /** The lines to show, without their ends; drawn again after `everyMs`. */
  readonly lines: (size: Size) => Promise<readonly string[]>;
}

/** Draws until it is ended from the keyboard or by a signal. */
export async function watch({ process }: Context, watched: Watched): Promise<void> {
  using terminal = new Terminal((text) => process.stdout.write(text));
  while (!terminal.isEnded) {
    const lines = await Promise.race([watched.lines(sizeOf()), terminal.ended]);
    if (lines === null) return;
    terminal.draw(lines);
    const isDueAt = performance.now() + watched.everyMs;
    while (!terminal.isEnded) {
      const restMs = isDueAt - performance.now();
      if (restMs <= 0) break;
      const woken = await terminal.rest(restMs);
      if (woken === "key") break;
      if (woken === "resize") terminal.draw(lines);
    }
  }
}

type Woken = "key" | "resize" | "time" | "end";

class Terminal {
  readonly #write: (text: string) => void;
  readonly #isKeyboard = Deno.stdin.isTerminal();
  readonly #listeners: (readonly [Deno.Signal, () => void])[] = [];
  #isEntered = false;
  #wake: ((why: Woken) => void) | null = null;
  readonly #ended = Promise.withResolvers<null>();
  isEnded = false;

  constructor(write: (text: string) => void) {
    this.#write = write;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      this.#listen(signal, () => this.#end());
    }
    this.#listen("SIGWINCH", () => this.#wake?.("resize"));
    this.#listen("SIGTSTP", () => this.#stop());
    this.#listen("SIGCONT", () => {
      this.#enter();
      this.#wake?.("resize");
    });
    this.#enter();
    if (this.#isKeyboard) this.#readKeys();
  }

  /** null, as soon as it is to end. */
  get ended(): Promise<null> {
    return this.#ended.promise;
  }

  draw(lines: readonly string[]): void {
    if (this.isEnded || !this.#isEntered) return;
    const shown = fit(lines, sizeOf());
    this.#write(begin + home + shown.join(`${clearLine}\r\n`) + clearLine + clearBelow + end);
  }

  /** Until something happens, or the time is up. */
  rest(ms: number): Promise<Woken> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.("time"), ms);
      this.#wake = (why) => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(why);
      };
    });
  }

  [Symbol.dispose](): void {
    this.#leave();
    for (const [signal, handler] of this.#listeners) Deno.removeSignalListener(signal, handler);
  }

  #listen(signal: Deno.Signal, handler: () => void): void {
    Deno.addSignalListener(signal, handler);
    this.#listeners.push([signal, handler]);
  }

  #enter(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    // Keys come at once and are not shown; Ctrl-C and Ctrl-Z stay signals.
    if (this.#isKeyboard) Deno.stdin.setRaw(true, { cbreak: true });
    this.#write(enter);
  }

  #leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    this.#write(leave);
    if (this.#isKeyboard) Deno.stdin.setRaw(false);
  }

  #stop(): void {
    this.#leave();
    Deno.kill(Deno.pid, "SIGSTOP");
  }

  #end(): void {
    this.isEnded = true;
    this.#ended.resolve(null);
    this.#wake?.("end");
  }

  async #readKeys(): Promise<void> {
    const buffer = new Uint8Array(64);
    try {
      for (let n; !this.isEnded && (n = await Deno.stdin.read(buffer)) !== null;) {
        if (buffer.subarray(0, n).some((key) => endKeys.includes(key))) this.#end();
        else this.#wake?.("key");
      }
    } catch {
      // The terminal is gone; SIGHUP says the rest.
    }
  }
}

function sizeOf(): Size {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : { columns: 80, rows: 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}
