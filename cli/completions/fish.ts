/** Completions for fish 3 or newer (complete(1)). */
import { type CommandEntry, type Flag, helpFlag, type Value } from "../command_table.ts";

/** The whole script. @param table The program's entry. */
export function fishCompletions(table: CommandEntry): string {
  const routes = flatten(table).map(({ path }) => path.join(" ")).filter((path) => path !== "");
  return `# Completions of avail(8) for fish. Made by: avail completions fish

function __avail_nodes
    avail completions nodes 2>/dev/null
end

# The command that the line names so far, and whether another word follows it.
function __avail_command
    set -l routes ${routes.map(quote).join(" ")}
    set -l command
    set -l follows no
    for word in (commandline -opc)[2..-1]
        set -l next (string join -- ' ' $command $word)
        if not contains -- $next $routes
            set follows yes
            break
        end
        set command $next
    end
    printf '%s\\n' "$command" $follows
end

function __avail_at
    set -l found (__avail_command)
    test "$found[1]" = "$argv"
end

# As __avail_at, and the next word may be one of its commands.
function __avail_below
    set -l found (__avail_command)
    test "$found[1]" = "$argv" -a $found[2] = no
end

complete -c avail -f
${flatten(table).flatMap(lines).join("\n")}
`;
}

function flatten(entry: CommandEntry): CommandEntry[] {
  return [entry, ...entry.commands.flatMap(flatten)];
}

function lines({ path, flags, commands, positionals }: CommandEntry): string[] {
  const at = (condition: string) =>
    `complete -c avail -n ${quote(`${condition} ${path.join(" ")}`.trimEnd())}`;
  const start = at("__avail_at");
  const below = at("__avail_below");
  return [
    ...commands.map(({ path, brief }) => `${below} -a ${path[path.length - 1]} -d ${quote(brief)}`),
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
