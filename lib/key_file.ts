/**
 * Changes of a key file's text, for a rotation of keys. Comments and order stay; the seed is never
 * touched. A bare secret becomes the two lines that it stands for, since its key could not be dropped
 * otherwise without the seed.
 */
import { assert } from "./errors.ts";
import { type ClusterKey, parseKeyFile } from "./wire/keys.ts";

/** The key as the last line: it opens, and does not seal yet. */
export function withKeyAdded(text: string, key: ClusterKey): string {
  const lines = linesOf(text);
  const last = lines.findLastIndex((line) => kindOf(line) !== "other");
  return joined(lines.toSpliced(last + 1, 0, lineOf(key)));
}

/** The key before all others: it seals from now on. */
export function withKeyFirst(text: string, id: number): string {
  const lines = linesOf(text);
  const from = lines.findIndex((line) => idOf(line) === id);
  const first = lines.findIndex((line) => kindOf(line) === "key");
  assert(from >= 0, `key ${id} is in the file`);
  return joined(lines.toSpliced(from, 1).toSpliced(first, 0, lines[from]));
}

export function withoutKey(text: string, id: number): string {
  return joined(linesOf(text).filter((line) => idOf(line) !== id));
}

/** The id of a new key: the one after the newest that is free. */
export function nextKeyId(ids: readonly number[]): number | null {
  for (let i = 1, id = newestKeyId(ids); i < 256; i++) {
    if (!ids.includes((id + i) % 256)) return (id + i) % 256;
  }
  return null;
}

/** Of keys whose ids were given by `nextKeyId` the newest: ids go round, as serials (RFC 1982). */
export function newestKeyId(ids: readonly number[]): number {
  return ids.reduce((newest, id) => isNewer(id, newest) ? id : newest);
}

function isNewer(id: number, than: number): boolean {
  const ahead = (id - than + 256) % 256;
  return ahead > 0 && ahead < 128;
}

function linesOf(text: string): string[] {
  const ring = parseKeyFile(text);
  return text.replace(/\n$/, "").split("\n").flatMap((line) =>
    kindOf(line) === "bare"
      ? [`seed ${ring.seed.toBase64()}`, lineOf(ring.keys.find(({ id }) => id === 0)!)]
      : [line]
  );
}

function joined(lines: readonly string[]): string {
  return lines.join("\n") + "\n";
}

function lineOf({ id, bytes }: ClusterKey): string {
  return `key ${id} ${bytes.toBase64()}`;
}

function kindOf(line: string): "seed" | "key" | "bare" | "other" {
  const [word, ...others] = line.replace(/#.*/, "").trim().split(/\s+/);
  if (word === "") return "other";
  return others.length === 0 ? "bare" : word === "key" ? "key" : "seed";
}

function idOf(line: string): number | null {
  return kindOf(line) === "key" ? Number(line.trim().split(/\s+/)[1]) : null;
}
