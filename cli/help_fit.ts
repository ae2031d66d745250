/** Help as Stricli lays it out, and errors, in lines that a terminal can show without breaking words. */
import { wrap } from "./render.ts";

/** Below this there is no room for two columns; the terminal may break lines as it likes. */
const columnsMin = 50;

/** Stands for a blank where no line may end. */
const glue = "\u00a0";

/** Of a line that is one of a table: what stands before its last column, that column, and a default. */
const tableRow =
  /^( +(?:\S| (?! ))+(?: {2,}(?:\S| (?! ))+)*? {2,})(\S(?:\S| (?! ))*?)(?: +(\[default = .*\]))? *$/;

export function fitHelp(text: string, columns: number): string {
  if (columns < columnsMin) return text;
  return text.split(/^(?=[A-Z]+$)/m).map((section) => fitSection(section, columns)).join("");
}

/** Lines that begin with the program's name are set anew where they are too long; a command stays whole. */
export function fitError(text: string, columns: number): string {
  if (columns < columnsMin) return text;
  return text.split("\n").map((line) => {
    if (line.length <= columns || !line.startsWith("avail: ")) return line;
    const whole = line.replace(/`[^`]+`/g, (command) => command.replaceAll(" ", glue));
    return wrap(whole, columns).join("\n").replaceAll(glue, " ");
  }).join("\n");
}

/** From one heading to the next: what does not fit is set anew, a table as a whole. */
function fitSection(section: string, columns: number): string {
  const lines = section.split("\n");
  if (lines.every((line) => line.length <= columns)) return section;
  if (lines[0] !== "USAGE" && /^[A-Z]+$/.test(lines[0])) {
    return lines.flatMap((line) => fitRow(line, columns)).join("\n");
  }
  return section.split("\n\n").map((paragraph) => {
    const [first] = paragraph.split("\n");
    if (first === "USAGE") return fitUsage(paragraph, columns);
    return first.startsWith(" ") ? paragraph : fitText(paragraph, columns);
  }).join("\n\n");
}

function fitRow(line: string, columns: number): string[] {
  const match = tableRow.exec(line);
  if (match === null) return [line];
  const [, before, brief, byDefault] = match;
  const words = byDefault === undefined ? brief : `${brief} ${byDefault}`;
  const [first, ...others] = wrap(words, columns, " ".repeat(before.length));
  return [before + first.trimStart(), ...others];
}

/** A flag and its value stay together. */
function fitUsage(usage: string, columns: number): string {
  return usage.split("\n").flatMap((line) => {
    const [first, ...others] = line.split(/ (?=[[<])/);
    const lines = [first];
    for (const word of others) {
      const longer = `${lines.at(-1)} ${word}`;
      if (longer.length <= columns) lines[lines.length - 1] = longer;
      else lines.push(`      ${word}`);
    }
    return lines;
  }).join("\n");
}

/** Filled anew where a line is too long; ends as it ended. */
function fitText(text: string, columns: number): string {
  const lines = text.trimEnd().split("\n");
  if (lines.every((line) => line.length <= columns)) return text;
  return wrap(lines.join(" "), columns).join("\n") + text.slice(text.trimEnd().length);
}
