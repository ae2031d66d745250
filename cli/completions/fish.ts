/** Completions for fish 3 or newer (complete(1)). */
import { type CommandEntry, type Flag, helpFlag, type Value } from "../command_table.ts";

/** The whole script. @param table The program's entry. */
export function fishCompletions(table: CommandEntry): string {
  const routes = flatten(table).map(({ path }) => path.join(" ")).filter((path) => path !== "");
  return `# Completions of avail(8) for fish. Made by: avail completions fish

function __avail_nodes
    avail completions nodes 2>/dev/null
end

# Whether the command line names this command so far.
function __avail_at
    set -l routes ${routes.map(quote).join(" ")}
    set -l command
    for word in (commandline -opc)[2..-1]
        set -l next (string join -- ' ' $command $word)
        contains -- $next $routes; or break
        set command $next
    end
    test "$command" = "$argv"
end

complete -c avail -f
${flatten(table).flatMap(lines).join("\n")}
`;
}

function flatten(entry: CommandEntry): CommandEntry[] {
  return [entry, ...entry.commands.flatMap(flatten)];
}

function lines({ path, flags, commands, positionals }: CommandEntry): string[] {
  const start = `complete -c avail -n ${quote(`__avail_at ${path.join(" ")}`.trimEnd())}`;
  return [
    ...commands.map(({ path, brief }) => `${start} -a ${path[path.length - 1]} -d ${quote(brief)}`),
    ...[...flags, helpFlag].flatMap((flag) => flagLines(start, flag)),
    ...positionals.flatMap(({ value, brief }) => {
      const words = wordsOf(value);
      return words === "" ? [] : [`${start} ${words} -d ${quote(brief)}`];
    }),
  ];
}

function flagLines(start: string, { name, negated, short, brief, value }: Flag): string[] {
  const letter = short === null ? "" : ` -s ${short.slice(1)}`;
  // -x: needs a value, and that is no file.
  const taken = value === null
    ? ""
    : value.kind === "file"
    ? " -r -F"
    : ` -x ${wordsOf(value)}`.trimEnd();
  const own = `${start}${letter} -l ${name.slice(2)}${taken} -d ${quote(brief)}`;
  if (negated === null) return [own];
  return [own, `${start} -l ${negated.slice(2)} -d ${quote(`not: ${brief}`)}`];
}

function wordsOf({ choices, kind }: Value): string {
  if (choices.length > 0) return `-a ${quote(choices.join(" "))}`;
  switch (kind) {
    case "file":
      return "-F";
    case "folder":
      return `-a ${quote("(__fish_complete_directories)")}`;
    case "interface":
      return `-a ${quote("(command ls /sys/class/net 2>/dev/null)")}`;
    case "kernel":
      return `-a ${quote("(command ls /lib/modules 2>/dev/null)")}`;
    case "node":
      return `-a ${quote("(__avail_nodes)")}`;
    case "program":
      return `-a ${quote("(__fish_complete_command)")}`;
    case null:
      return "";
  }
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
