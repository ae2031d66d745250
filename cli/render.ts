/** Text for people: tables, bars, numbers, colours. Nothing here prints. */
import type { Style } from "./context.ts";

/** SGR parameters (ECMA-48, 8.3.117). */
const colours = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33", cyan: "36" } as const;
export type Colour = keyof typeof colours;

export function paint(text: string, colour: Colour, style: Style): string {
  return style.colour && text !== "" ? `\x1b[${colours[colour]}m${text}\x1b[0m` : text;
}

/** A text as it was before it was painted. */
export function withoutColours(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[\d;]*m/g, "");
}

/** How many columns a text fills: escape sequences fill none. */
export function width(text: string): number {
  return [...withoutColours(text)].length;
}

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Rows under dim titles, two spaces apart, each line without trailing space. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
): string[] {
  const titles = columns.map(({ title }) => paint(title, "dim", style));
  const lines = [titles, ...rows];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => width(line[i]))));
  return lines.map((line) =>
    line.map((cell, i) => pad(cell, widths[i], columns[i].align ?? "left")).join("  ").trimEnd()
  );
}

export function pad(text: string, columns: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, columns - width(text)));
  return align === "left" ? text + space : space + text;
}

/** A bar of `part` in `whole`, at least one cell where there is anything at all. */
export function bar(part: number, whole: number, columns: number, style: Style): string {
  const [full, empty] = style.unicode ? ["█", "░"] : ["#", "."];
  const share = whole > 0 ? part / whole : 0;
  const cells = part > 0 ? Math.max(1, Math.min(columns, Math.round(share * columns))) : 0;
  return paint(full.repeat(cells), "cyan", style) +
    paint(empty.repeat(columns - cells), "dim", style);
}

/** `240 ms`, `12.3 s`, `5 min 3 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${Math.floor(seconds * 10) / 10} s`;
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]] as const;
  const first = units.findIndex(([, size]) => seconds >= size);
  return units.slice(first, first + 2).map(([unit, size], i) => {
    const whole = Math.floor(i === 0 ? seconds / size : (seconds % units[first][1]) / size);
    return `${whole} ${unit}`;
  }).join(" ");
}

/** `12 345 678` */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** `1 flow`, `2 flows` */
export function counted(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** Text that came over the wire, without what would steer a terminal. */
export function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
}

/** One JSON object in one line. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value) + "\n";
}

/** Words in lines of at most `columns`, each led by `indent`. */
export function wrap(text: string, columns: number, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(indent + line);
  return lines;
}
