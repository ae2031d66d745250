/**
 * Where each key of a TOML document stands.
 *
 * The parser gives values without places; this scanner gives places without values. It runs over a
 * document that has been parsed already, so it may trust the syntax and only needs to walk it.
 */

/**
 * The line (from 1) of every table, key and array element, by its path: `cluster.name`, `share[1]`,
 * `share[1].addresses[0]`. Where a path is written more than once, its first line counts.
 */
export function keyLines(text: string): ReadonlyMap<string, number> {
  const scanner = new Scanner(text);
  scanner.document();
  return scanner.lines;
}

class Scanner {
  readonly lines = new Map<string, number>();
  readonly #text: string;
  #at = 0;
  #line = 1;
  /** How many tables each array of tables has so far. */
  readonly #tables = new Map<string, number>();

  constructor(text: string) {
    this.#text = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  document(): void {
    let table = "";
    for (this.#skipBlank(); !this.#isEnd(); this.#skipBlank()) {
      table = this.#peek() === "[" ? this.#header() : (this.#keyValue(table), table);
    }
  }

  /** `[a.b]` or `[[a.b]]`; the path of the table that it opens. */
  #header(): string {
    const isArray = this.#text.startsWith("[[", this.#at);
    this.#at += isArray ? 2 : 1;
    const names = this.#key("]");
    this.#at += isArray ? 2 : 1;
    let path = "";
    names.forEach((name, i) => {
      path = join(path, name);
      this.#mark(path);
      const count = this.#tables.get(path) ?? 0;
      if (isArray && i === names.length - 1) {
        this.#tables.set(path, count + 1);
        path += `[${count}]`;
        this.#mark(path);
      } else if (count > 0) {
        path += `[${count - 1}]`;
      }
    });
    return path;
  }

  #keyValue(table: string): void {
    let path = table;
    for (const name of this.#key("=")) this.#mark(path = join(path, name));
    this.#at++;
    this.#skipSpace();
    this.#value(path);
  }

  /** The parts of a dotted key; stops at `end`, which is not consumed. */
  #key(end: string): string[] {
    const names: string[] = [];
    while (!this.#isEnd()) {
      this.#skipSpace();
      const c = this.#peek();
      if (c === end) break;
      if (c === ".") this.#at++;
      else if (c === '"' || c === "'") names.push(this.#string());
      else if (/[\s=\]]/.test(c)) this.#advance(); // not in a sound document
      else names.push(this.#while(/[^\s.=\]]/));
    }
    return names;
  }

  #value(path: string): void {
    const c = this.#peek();
    if (c === '"' || c === "'") this.#string();
    else if (c === "[") this.#list("]", (i) => this.#element(`${path}[${i}]`));
    else if (c === "{") this.#list("}", () => this.#keyValue(path));
    else this.#while(/[^,\]}#\n]/);
  }

  #element(path: string): void {
    this.#mark(path);
    this.#value(path);
  }

  #list(end: string, item: (index: number) => void): void {
    this.#at++;
    for (let i = 0;; i++) {
      this.#skipBlank();
      if (this.#isEnd() || this.#peek() === end) break;
      const start = this.#at;
      item(i);
      if (this.#at === start) this.#advance(); // not in a sound document
      this.#skipBlank();
      if (this.#peek() === ",") this.#at++;
    }
    this.#at++;
  }

  /** Any of the four kinds of string; its content, where escapes stay as they are written. */
  #string(): string {
    const quote = this.#peek();
    const delimiter = this.#text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote;
    this.#at += delimiter.length;
    const start = this.#at;
    while (!this.#isEnd() && !this.#text.startsWith(delimiter, this.#at)) {
      if (quote === '"' && this.#peek() === "\\") this.#advance();
      this.#advance();
    }
    // A multi-line string may end in one or two quotes of its own before the delimiter.
    while (delimiter.length === 3 && this.#text.startsWith(delimiter, this.#at + 1)) this.#at++;
    const content = this.#text.slice(start, this.#at);
    this.#at += delimiter.length;
    return content;
  }

  #while(set: RegExp): string {
    const start = this.#at;
    while (!this.#isEnd() && set.test(this.#peek())) this.#advance();
    return this.#text.slice(start, this.#at);
  }

  #skipSpace(): void {
    while (this.#peek() === " " || this.#peek() === "\t") this.#at++;
  }

  /** White space, line ends and comments. */
  #skipBlank(): void {
    while (!this.#isEnd()) {
      if (this.#peek() === "#") this.#while(/[^\n]/);
      else if (/\s/.test(this.#peek())) this.#advance();
      else return;
    }
  }

  #mark(path: string): void {
    if (!this.lines.has(path)) this.lines.set(path, this.#line);
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #advance(): void {
    if (this.#text.charAt(this.#at++) === "\n") this.#line++;
  }

  #isEnd(): boolean {
    return this.#at >= this.#text.length;
  }
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
