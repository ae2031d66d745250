/** Lines cut to what a terminal can show, so that nothing wraps and nothing scrolls. */

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** As many lines as there are rows, each of the columns' width at most; the last one tells of the rest. */
export function fit(lines: readonly string[], { columns, rows }: Size): string[] {
  const cut = lines.map((line) => clipLine(line, columns));
  if (cut.length <= rows) return cut;
  const left = lines.length - (rows - 1);
  return [...cut.slice(0, rows - 1), clipLine(` … ${left} more lines`, columns)];
}

/** Cuts after so many columns; escape sequences fill none, and colours end with the line. */
export function clipLine(line: string, columns: number): string {
  let shown = 0;
  let text = "";
  // deno-lint-ignore no-control-regex
  for (const [part] of line.matchAll(/\x1b\[[\d;]*m|./gsu)) {
    if (part.startsWith("\x1b[")) text += part;
    else if (shown < columns) {
      text += part;
      shown++;
    }
  }
  return text;
}
