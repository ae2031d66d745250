/**
 * What the demo shows: lines that stay, and below them, on a terminal, a picture that is drawn over
 * in place.
 */
import type { ClusterLook } from "./cluster_look.ts";
import { wrap } from "../render.ts";
import { bucketsOf } from "./cluster_look.ts";
import type { TrafficSample } from "./traffic_protocol.ts";

/** Where text goes. */
export interface Output {
  readonly isTerminal: boolean;
  /** false: nothing beyond ASCII. */
  readonly unicode: boolean;
  /** Terminal columns. */
  readonly columns: () => number;
  write(text: string): void;
}

export class Screen {
  readonly #output: Output;
  /** Lines of the picture that stand on the terminal now. */
  #drawn = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** A line that stays. */
  line(text = ""): void {
    this.#erase();
    for (const line of this.#fitting(text)) this.#output.write(`${line}\n`);
  }

  /** A terminal would break words; lines behind the first are indented as its text is. */
  #fitting(text: string): string[] {
    const { isTerminal, columns } = this.#output;
    if (!isTerminal || text.length < columns()) return [text];
    const [head] = /^(?:--)? */.exec(text)!;
    const [first, ...others] = wrap(
      text.slice(head.length),
      columns() - 1,
      " ".repeat(head.length),
    );
    return [head + first.trimStart(), ...others];
  }

  /** Draws the picture over the one before; nothing happens where there is no terminal. */
  picture(picture: Picture): void {
    if (!this.#output.isTerminal) return;
    const lines = drawPicture(picture, this.#output.unicode);
    const columns = this.#output.columns();
    const fitting = lines.map((line) => line.slice(0, columns - 1));
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A\r` : "\r";
    this.#output.write(up + fitting.map((line) => `\x1b[2K${line}\n`).join("") + "\x1b[J");
    this.#drawn = fitting.length;
  }

  /** Takes the picture away. */
  #erase(): void {
    if (this.#drawn > 0) this.#output.write(`\x1b[${this.#drawn}A\r\x1b[J`);
    this.#drawn = 0;
  }
}

export interface Picture {
  readonly title: string;
  readonly look: ClusterLook;
  readonly traffic: TrafficSample | null;
  readonly bytesPerSecond: number;
  /** What the story is waiting for. */
  readonly waiting: string;
}

const barWidth = 32;

/** The picture's lines: a bar of buckets for each node, the traffic, and what is awaited. */
export function drawPicture(picture: Picture, unicode: boolean): string[] {
  const [on, off] = unicode ? "█·" : "#.";
  const { look, traffic } = picture;
  const counts = bucketsOf(look);
  const most = Math.max(128, ...Object.values(counts));
  const width = Math.max(...look.map(({ name }) => name.length));
  const lines = ["", picture.title];
  for (const node of look) {
    const full = Math.round(counts[node.name] / most * barWidth);
    const bar = on.repeat(full) + off.repeat(barWidth - full);
    const count = String(counts[node.name]).padStart(3);
    lines.push(`  ${node.name.padEnd(width)} ${bar} ${count}  ${stateOf(node)}`);
  }
  if (traffic !== null) {
    const { silenceMs, longestMs } = traffic;
    const rate = (picture.bytesPerSecond / 1e6).toFixed(1);
    lines.push(
      `  ${traffic.alive} of ${traffic.started} connections alive, ${rate} MB/s, ` +
        `${traffic.stalled} stalled, ${traffic.duplicates} duplicates`,
      `  longest silence: now TCP ${silenceMs.tcp} ms, ping ${silenceMs.ping} ms; ` +
        `in this step TCP ${longestMs.tcp} ms, ping ${longestMs.ping} ms`,
    );
  }
  lines.push(`  ${picture.waiting}`);
  return lines;
}

function stateOf({ power, status }: ClusterLook[number]): string {
  if (power === "off") return "no power";
  if (power === "idle") return "avail run is not running";
  if (power === "paused") return "avail run hangs (SIGSTOP)";
  if (status === null) return "starting";
  return `${status.state}${status.safe ? ", safe" : ""}`;
}
