/** Writes TOML line by line: tables, keys, and comments beside them in one column. */

export type SheetValue = string | number | boolean | readonly string[];

interface DefaultOptions {
  /** The comment beside it. */
  readonly why?: string;
  /** Written in hexadecimal digits. */
  readonly isMask?: boolean;
}

/** Where comments begin, unless what they stand beside is longer. */
const commentColumn = 33;

export class Sheet {
  readonly #lines: string[] = [];

  /** Without comments, defaults are written as values, and examples not at all. */
  constructor(readonly hasComments: boolean) {}

  get text(): string {
    return this.#lines.join("\n") + "\n";
  }

  comment(text: string): void {
    if (this.hasComments) this.#lines.push(text === "" ? "#" : `# ${text}`);
  }

  /** `[name]` or `[[name]]`, behind an empty line. */
  table(header: string, why?: string): void {
    if (this.#lines.length > 0) this.#lines.push("");
    this.#push(header, why);
  }

  key(name: string, value: SheetValue, why?: string): void {
    this.#push(`${name} = ${tomlValue(value)}`, why);
  }

  /** A key that may be left out: what it is by default then stands as a comment. */
  keyOrDefault(
    name: string,
    value: SheetValue,
    byDefault: SheetValue,
    { why, isMask }: DefaultOptions = {},
  ): void {
    const written = `${name} = ${isMask ? hexadecimal(value) : tomlValue(value)}`;
    this.#push(this.hasComments && value === byDefault ? `# ${written}` : written, why);
  }

  /** What could stand here, as a comment. */
  example(name: string, value: SheetValue, why?: string): void {
    if (this.hasComments) this.#push(`# ${name} = ${tomlValue(value)}`, why);
  }

  exampleTable(header: string, why: string): void {
    if (this.hasComments) this.table(`# ${header}`, why);
  }

  #push(line: string, why: string | undefined): void {
    const isTold = this.hasComments && why !== undefined;
    this.#lines.push(isTold ? `${line.padEnd(commentColumn - 2)}  # ${why}` : line);
  }
}

/** A value as TOML has it. */
export function tomlValue(value: SheetValue): string {
  if (typeof value === "string") return tomlText(value);
  if (typeof value === "object") return `[${value.map(tomlText).join(", ")}]`;
  return String(value);
}

/** A basic string: JSON's escapes are among TOML's, which also wants DEL escaped. */
function tomlText(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}

function hexadecimal(value: SheetValue): string {
  return typeof value === "number" ? `0x${value.toString(16)}` : tomlValue(value);
}
