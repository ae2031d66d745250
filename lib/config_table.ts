/**
 * Reads one table of a configuration key by key. Every fault is noted and reading goes on with a
 * stand-in, so that one run tells all faults.
 */
import type { Fault } from "./errors.ts";
import { nearestWord } from "./nearest.ts";

/** A TOML table as the parser gives it. */
export type Values = Readonly<Record<string, unknown>>;

/** What is wrong with a document, and what may be wrong, with the lines of it. */
export class Findings {
  readonly faults: Fault[] = [];
  readonly warnings: Fault[] = [];
  readonly #places = new Map<object, string>();

  /** `lines`: of each path, as `keyLines` gives them. */
  constructor(readonly file: string, readonly lines: ReadonlyMap<string, number>) {}

  fault(where: string, problem: string, remedy: string): void {
    this.faults.push({ file: this.file, line: this.lineOf(where), where, problem, remedy });
  }

  warn(where: string, problem: string, remedy: string): void {
    this.warnings.push({ file: this.file, line: this.lineOf(where), where, problem, remedy });
  }

  /** Keeps where a value was written, for a later check that sees only the value. */
  remember<T extends object>(value: T, where: string): T {
    this.#places.set(value, where);
    return value;
  }

  whereOf(value: object): string {
    return this.#places.get(value) ?? "";
  }

  /** The line of a path, or of the table that it is missing from; 0 where there is neither. */
  lineOf(where: string): number {
    for (let path = where; path !== ""; path = path.replace(/(\.[^.]*|\[\d+\]|^[^.[]*)$/, "")) {
      const line = this.lines.get(path);
      if (line !== undefined) return line;
    }
    return 0;
  }
}

/** One value, where it stands, and how to complain about it. */
export interface Found {
  readonly where: string;
  readonly value: unknown;
}

export class Table {
  readonly #taken = new Set<string>();

  /** `foreignKeys`: for a key that is not of this table, the table that it belongs into. */
  constructor(
    readonly path: string,
    readonly values: Values,
    readonly findings: Findings,
    readonly foreignKeys: ReadonlyMap<string, string> = new Map(),
  ) {}

  where(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** The value of a key, or undefined. */
  take(key: string): Found | undefined {
    this.#taken.add(key);
    if (!Object.hasOwn(this.values, key)) return undefined;
    return { where: this.where(key), value: this.values[key] };
  }

  /** Text that passes `check` (null: fine; else what is wrong with it and what would be right). */
  text(key: string, options: TextOptions): string {
    const found = this.take(key);
    if (!found) {
      if (options.default === undefined) this.missing(key, options.example);
      return options.default ?? "";
    }
    if (typeof found.value !== "string") {
      this.findings.fault(
        found.where,
        `${show(found.value)} is ${kindOf(found.value)}`,
        `write text in quotes, such as "${options.example}"`,
      );
      return options.default ?? "";
    }
    const wrong = options.check?.(found.value);
    if (wrong) this.findings.fault(found.where, `${show(found.value)} ${wrong[0]}`, wrong[1]);
    return found.value;
  }

  number(key: string, options: NumberOptions): number {
    return this.numberOr(key, null, options) ?? options.default;
  }

  /** A number, or the one word that is allowed in its place. */
  numberOr<const W extends string | null>(
    key: string,
    word: W,
    options: NumberOptions,
  ): number | W {
    const found = this.take(key);
    if (!found) return options.default;
    const { value } = found;
    if (word !== null && value === word) return word;
    const isRight = typeof value === "number" && value >= options.min && value <= options.max &&
      (options.isFraction || Number.isInteger(value));
    if (isRight) return value;
    this.findings.fault(
      found.where,
      typeof value === "number" ? `${value} is out of range` : `${show(value)} is ${kindOf(value)}`,
      `write a ${
        options.isFraction ? "number" : "whole number"
      } from ${options.min} to ${options.max}` +
        (word === null ? "" : `, or "${word}"`),
    );
    return options.default;
  }

  boolean(key: string, byDefault: boolean): boolean {
    const found = this.take(key);
    if (!found) return byDefault;
    if (typeof found.value === "boolean") return found.value;
    this.findings.fault(
      found.where,
      `${show(found.value)} is ${kindOf(found.value)}`,
      "write true or false, without quotes",
    );
    return byDefault;
  }

  /** One of a few words. */
  choice<const T extends string, const D extends T | null>(
    key: string,
    words: readonly T[],
    byDefault: D,
  ): T | D {
    const found = this.take(key);
    if (!found) return byDefault;
    const word = words.find((candidate) => candidate === found.value);
    if (word !== undefined) return word;
    const near = typeof found.value === "string" ? nearestWord(found.value, words) : null;
    this.findings.fault(
      found.where,
      `${show(found.value)} is none of the choices`,
      near ? `did you mean "${near}"?` : `write ${listWords(words)}`,
    );
    return byDefault;
  }

  missing(key: string, example: string): void {
    this.findings.fault(this.where(key), "is missing", `add ${key} = "${example}"`);
  }

  /** To be called last: every key that nobody took is a fault. */
  end(): void {
    for (const key of Object.keys(this.values)) {
      if (this.#taken.has(key)) continue;
      const near = nearestWord(key, this.#taken);
      const home = this.foreignKeys.get(key);
      const known = [...this.#taken].join(", ");
      this.findings.fault(
        this.where(key),
        `unknown key`,
        near
          ? `did you mean "${near}"?`
          : home
          ? `it belongs into ${home}`
          : `known here: ${known}`,
      );
    }
  }
}

export interface TextOptions {
  /** Without a default the key must be there. */
  readonly default?: string;
  readonly example: string;
  readonly check?: (text: string) => readonly [problem: string, remedy: string] | null;
}

export interface NumberOptions {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly isFraction?: boolean;
}

/** A value as one would write it, cut to a readable length. */
export function show(value: unknown): string {
  const text = typeof value === "number" || typeof value === "bigint"
    ? String(value)
    : isTable(value)
    ? "{…}"
    : Array.isArray(value)
    ? "[…]"
    : typeof value === "object" // a date or time
    ? JSON.stringify(value).slice(1, -1)
    : JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…${text.endsWith('"') ? '"' : ""}` : text;
}

/** What kind of thing a value is, with its article. */
export function kindOf(value: unknown): string {
  if (typeof value === "string") return "text";
  if (typeof value === "number") return "a number";
  if (typeof value === "boolean") return "a truth value";
  if (Array.isArray(value)) return "a list";
  return isTable(value) ? "a table" : "a date or time";
}

/** The parser's tables have no prototype, dates have one. */
export function isTable(value: unknown): value is Values {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}

function listWords(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return quoted.length < 2
    ? quoted.join("")
    : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}
