/** `avail status --watch`: the status as it is now, beneath it what happened last. */
import type { Status } from "../lib/control.ts";
import { AvailError } from "../lib/errors.ts";
import type { Events, NodeEvent } from "../lib/events/event.ts";
import { askNode, type NodeFlags } from "./client.ts";
import type { Context, Style } from "./context.ts";
import { eventLine } from "./event_text.ts";
import { duration, jsonLine, paint, plain, withoutColours, wrap } from "./render.ts";
import type { Size } from "./screen_fit.ts";
import { statusScreen } from "./status_screen.ts";
import { watch } from "./watch.ts";

/** Fewer lines of events than that are not worth their title. */
const eventsMin = 2;
const eventsMax = 8;

export async function watchStatus(context: Context, flags: NodeFlags, everyMs: number) {
  const screen = new WatchScreen(flags, context.style, everyMs);
  await watch(context, { everyMs, lines: (size) => screen.lines(size) });
}

/** The same for scripts: a line each time, for as long as the process lives. */
export async function printStatuses({ process }: Context, flags: NodeFlags, everyMs: number) {
  let complained = "";
  for (;;) {
    try {
      process.stdout.write(jsonLine(await askNode<Status>(flags, { command: "status" })));
      complained = "";
    } catch (error) {
      if (!(error instanceof AvailError)) throw error;
      if (error.message !== complained) process.stderr.write(`avail: ${error.message}\n`);
      complained = error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

class WatchScreen {
  readonly #flags: NodeFlags;
  readonly #style: Style;
  readonly #everyMs: number;
  /** What was shown when the daemon last answered. */
  #last: { readonly lines: readonly string[]; readonly at: number } | null = null;

  constructor(flags: NodeFlags, style: Style, everyMs: number) {
    this.#flags = flags;
    this.#style = style;
    this.#everyMs = everyMs;
  }

  async lines({ columns, rows }: Size): Promise<readonly string[]> {
    const title = this.#title();
    try {
      const status = await askNode<Status>(this.#flags, { command: "status" });
      const lines = statusScreen(status, this.#style).trimEnd().split("\n");
      this.#last = { lines, at: Date.now() };
      return [title, "", ...lines, ...await this.#events(rows - lines.length - 2)];
    } catch (error) {
      if (!(error instanceof AvailError)) throw error;
      const why = wrap(plain(error.message), Math.min(columns, 80) - 2)
        .map((line) => ` ${paint(line, "red", this.#style)}`);
      return [title, "", ...why, ...this.#remembered()];
    }
  }

  #title(): string {
    const dot = this.#style.unicode ? "·" : "-";
    const time = new Date().toTimeString().slice(0, 8);
    const words = ["avail status", time, `every ${duration(this.#everyMs)}`, "q ends"];
    return ` ${paint(words.join(` ${dot} `), "dim", this.#style)}`;
  }

  #remembered(): string[] {
    if (this.#last === null) return [];
    const ago = duration(Date.now() - this.#last.at);
    const lines = this.#last.lines.map(withoutColours);
    return ["", ` ${ago} ago it was:`, "", ...lines].map((line) => paint(line, "dim", this.#style));
  }

  /** The newest events, as many as there is room for. */
  async #events(room: number): Promise<string[]> {
    const last = Math.min(eventsMax, room - 2);
    if (last < eventsMin) return [];
    const events = await this.#newest(last);
    if (events.length === 0) return [];
    const lines = events.map((event) => ` ${eventLine(event, this.#style)}`);
    return ["", ` ${paint("EVENTS", "dim", this.#style)}`, ...lines];
  }

  async #newest(last: number): Promise<readonly NodeEvent[]> {
    try {
      return (await askNode<Events>(this.#flags, { command: "events", last })).events;
    } catch (error) {
      // A daemon of an earlier version keeps none.
      if (error instanceof AvailError) return [];
      throw error;
    }
  }
}
