/** Files of /proc and /sys that may or may not be there. */

/** null where it is not there, or nobody lets us. */
export function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    return null;
  }
}

/** null where it is not there, or is no number. */
export function readNumber(path: string): number | null {
  const text = readText(path);
  const number = text === null || text === "" ? NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}

/** A file below /proc/sys. */
export function readSetting(path: string): number | null {
  return readNumber(`/proc/sys/${path}`);
}

export function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Names in a folder; none where there is no such folder. */
export function namesIn(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** A table of /proc/net/stat: a line of names, then a line of hexadecimal numbers for each processor. */
export function sumsOf(text: string | null): Record<string, number> | null {
  if (text === null) return null;
  const [names, ...lines] = text.split("\n").map((line) => line.trim().split(/\s+/));
  if (lines.length === 0) return null;
  return Object.fromEntries(names.map((name, i) => [
    name,
    lines.reduce((sum, line) => sum + (parseInt(line[i] ?? "0", 16) || 0), 0),
  ]));
}
