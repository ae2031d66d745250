/** Flags of the measurements: `--name value`. */

/** @throws Error unless the value is a number above 0. */
export function numberOption(name: string, otherwise: number): number {
  const text = textOption(name);
  if (text === null) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} ${text}: not a number above 0`);
  return value;
}

/** Numbers with commas between them. */
export function numbersOption(name: string, otherwise: readonly number[]): readonly number[] {
  const text = textOption(name);
  if (text === null) return otherwise;
  const values = text.split(",").map(Number);
  const isRight = values.every((value) => Number.isInteger(value) && value > 0);
  if (!isRight) throw new Error(`--${name} ${text}: not whole numbers above 0 with commas between`);
  return values;
}

export function hasFlag(name: string): boolean {
  return Deno.args.includes(`--${name}`);
}

function textOption(name: string): string | null {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? null : Deno.args[at + 1] ?? "";
}
