/** The manual page avail(8) in man(7)'s macros: commands from their table, the rest from man_texts.ts. */
import { type CommandEntry, type Flag, leaves, type Positional } from "./command_table.ts";
import { wrap } from "./render.ts";
import { manPageDate, sectionsAfter, sectionsBefore } from "./man_texts.ts";

/** Lines of input that mandoc(1) does not find too long. */
const columnsMax = 78;

/** The page's source. @param table The program's entry. */
export function manPage(table: CommandEntry, version: string): string {
  return [
    '.\\" Made from the table of commands; see cli/man_page.ts',
    `.TH AVAIL 8 ${manPageDate} "avail ${version}" "System Administration"`,
    ".SH NAME",
    `avail \\- ${roff(table.brief)}`,
    ".SH SYNOPSIS",
    ".SY avail",
    ".RI [ command ]",
    ".RI [ argument ]",
    "\\&.\\|.\\|.",
    ".YS",
    ...sectionsBefore,
    ".SH COMMANDS",
    ...leaves(table).flatMap(command),
    ...sectionsAfter,
  ].join("\n") + "\n";
}

function command({ path, brief, description, flags, positionals }: CommandEntry): string[] {
  return [
    `.SS "avail ${path.join(" ")}"`,
    ".nh",
    `.B ${roff(`avail ${path.join(" ")}`)}`,
    ...flags.map(synopsisOfFlag),
    ...positionals.map(synopsisOfPositional),
    ".hy",
    ".PP",
    // Its lines were broken for the terminal: a paragraph is filled again.
    ...lines(description === brief ? sentence(brief) : description),
    ...positionals.flatMap(({ value, brief }) =>
      entry(`\\fI${roff(value.placeholder)}\\fR`, brief)
    ),
    ...flags.flatMap((flag) => entry(titleOf(flag), withDefault(flag))),
  ];
}

function synopsisOfFlag(flag: Flag): string {
  const taken = flag.value === null ? "" : `\\~\\fI${roff(flag.value.placeholder)}\\fR`;
  const words = flag.negated === null || flag.default === "true"
    ? `\\fB${roff(flag.default === "true" && flag.negated !== null ? flag.negated : flag.name)}\\fR`
    : `\\fB${roff(flag.name)}\\fR|\\fB${roff(flag.negated)}\\fR`;
  return flag.isRequired ? words + taken : `[${words}${taken}]`;
}

function synopsisOfPositional({ value, isOptional, isRepeated }: Positional): string {
  const word = `\\fI${roff(value.placeholder)}\\fR${isRepeated ? "\\~.\\|.\\|." : ""}`;
  return isOptional || isRepeated ? `[${word}]` : word;
}

function titleOf({ name, negated, short, value }: Flag): string {
  const names = [short, name, negated].filter((word) => word !== null)
    .map((word) => `\\fB${roff(word)}\\fR`);
  return names.join(", ") + (value === null ? "" : ` \\fI${roff(value.placeholder)}\\fR`);
}

function withDefault({ brief, default: value, negated }: Flag): string {
  const isTold = value === null || value === "false" || value === "" || /\[[^\]]*\]$/.test(brief);
  if (isTold) return sentence(brief);
  const words = negated === null ? value : value === "true" ? "yes" : "no";
  return `${sentence(brief)} Default: ${words}.`;
}

function entry(title: string, text: string): string[] {
  return [".TP", title, ...lines(text)];
}

function sentence(text: string): string {
  return /[.!?\]]$/.test(text) ? text : `${text}.`;
}

/** Text as lines of input: none too long, none that begins with what would be a request. */
function lines(text: string): string[] {
  return text.split("\n").flatMap((line) =>
    line.trim() === "" ? [".PP"] : wrap(roff(line), columnsMax).map(guarded)
  );
}

function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

/** Plain text for the formatter: every dash one that can be copied, no character beyond ASCII. */
export function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("`", "\\(ga")
    .replaceAll("~", "\\(ti").replaceAll("^", "\\(ha")
    // deno-lint-ignore no-control-regex
    .replace(/[^\x00-\x7f]/g, (character) => {
      const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
      return `\\[u${code}]`;
    });
}
