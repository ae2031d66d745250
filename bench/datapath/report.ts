/** What a measurement of the datapath found: a table for people, and the same as JSON. */

/** Of IP. */
export type Family = 4 | 6;

/** Least, middle and greatest of several rounds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export interface Row {
  readonly name: string;
  readonly family: Family;
  /** What a frame costs together with its sending. */
  readonly whole: Spread;
  /** The name of the row that it is compared with. */
  readonly baseline: string;
  /** What it costs more than that, compared within each round. */
  readonly above: Spread;
}

export interface Target {
  readonly what: string;
  /** In the same unit as `limit`. */
  readonly found: number;
  readonly limit: number;
  /** Whether more than the limit is wanted, as with "a fifth of". */
  readonly atLeast: boolean;
  readonly isMet: boolean;
}

export interface Report {
  readonly schema: 1;
  readonly bench: string;
  /** The unit of all rows. */
  readonly unit: "ns" | "instructions";
  /** Facts that a reader needs beside the numbers: kernel, rounds, the baseline, what was left out. */
  readonly notes: readonly string[];
  readonly rows: readonly Row[];
  readonly targets: readonly Target[];
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
  return { min: sorted[0], median, max: sorted[sorted.length - 1] };
}

/** A row from what each round found; the baseline has the same rounds. */
export function rowOf(
  name: string,
  family: Family,
  rounds: readonly number[],
  baseline: { readonly name: string; readonly rounds: readonly number[] },
): Row {
  return {
    name,
    family,
    whole: spreadOf(rounds),
    baseline: baseline.name,
    above: spreadOf(rounds.map((value, i) => value - baseline.rounds[i])),
  };
}

export function atMost(what: string, found: number, limit: number): Target {
  return { what, found, limit, atLeast: false, isMet: found <= limit };
}

export function atLeast(what: string, found: number, limit: number): Target {
  return { what, found, limit, atLeast: true, isMet: found >= limit };
}

export function print(report: Report, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify(report));
    return;
  }
  for (const note of report.notes) console.log(note);
  const tables = Map.groupBy(report.rows, (row) => `IPv${row.family}, above: ${row.baseline}`);
  const width = Math.max(
    ...[...report.rows].map(({ name }) => name.length),
    ...[...tables.keys()].map((title) => title.length),
  ) + 2;
  for (const [title, rows] of tables) {
    console.log(`\n${"".padEnd(width)}${center(report.unit)}   ${center("above")}`);
    console.log(title.padEnd(width) + names + "   " + names);
    for (const { name, whole, above } of rows) {
      console.log(name.padEnd(width) + columns(whole) + "   " + columns(above));
    }
  }
  console.log("");
  for (const { what, found, limit, atLeast, isMet } of report.targets) {
    const wanted = `${atLeast ? "at least" : "at most"} ${limit}`;
    const value = found.toFixed(atLeast ? 1 : 0);
    console.log(`${isMet ? "PASS" : "MISS"}  ${what}: ${value} (${wanted})`);
  }
}

const columnWidth = 8;
const names = ["min", "median", "max"].map((name) => name.padStart(columnWidth)).join("");

function columns({ min, median, max }: Spread): string {
  return [min, median, max].map((value) => value.toFixed(0).padStart(columnWidth)).join("");
}

function center(text: string): string {
  return text.padStart((3 * columnWidth + text.length) >> 1).padEnd(3 * columnWidth);
}
