/** Completions for zsh (zshcompsys(1)): one function for each command. */
import { type CommandEntry, type Flag, helpFlag, type Value } from "../command_table.ts";

/** The whole file, to be `_avail` in a folder of $fpath. @param table The program's entry. */
export function zshCompletions(table: CommandEntry): string {
  return `#compdef avail
# Completions of avail(8) for zsh. Made by: avail completions zsh

_avail_nodes() {
  local -a nodes
  nodes=(\${(f)"$(avail completions nodes 2>/dev/null)"})
  _describe -t nodes node nodes
}

${functions(table).join("\n\n")}

if [ "$funcstack[1]" = _avail ]; then
  _avail "$@"
else
  compdef _avail avail
fi
`;
}

function functions(entry: CommandEntry): string[] {
  const own = entry.commands.length === 0 ? leaf(entry) : branch(entry);
  return [...entry.commands.flatMap(functions), own];
}

function branch(entry: CommandEntry): string {
  const name = functionOf(entry);
  const described = entry.commands.map(({ path, brief }) =>
    `    ${quote(`${last(path).replaceAll(":", "\\:")}:${brief}`)}`
  );
  const cases = entry.commands.map((command) =>
    `        ${last(command.path)}) ${functionOf(command)} && ret=0 ;;`
  );
  return `${name}() {
  local curcontext="$curcontext" state line ret=1
  typeset -A opt_args
  local -a commands
  commands=(
${described.join("\n")}
  )
  _arguments -C ${specification(helpFlag)} '1: :->command' '*:: :->rest' && ret=0
  case $state in
    command) _describe -t commands command commands && ret=0 ;;
    rest)
      case $line[1] in
${cases.join("\n")}
      esac
      ;;
  esac
  return ret
}`;
}

function leaf(entry: CommandEntry): string {
  const flags = [...entry.flags, helpFlag].map((flag) => `    ${specification(flag)}`);
  const positionals = entry.positionals.map(({ value, brief, isOptional, isRepeated }, i) => {
    const place = isRepeated ? "*:" : isOptional ? `${i + 1}::` : `${i + 1}:`;
    return `    ${quote(`${place}${escape(brief)}:${action(value)}`)}`;
  });
  return `${functionOf(entry)}() {
  _arguments -s \\
${[...flags, ...positionals].join(" \\\n")}
}`;
}

/** `'(-h --help)'{-h,--help}'[Print help]'`; a flag and its opposite exclude each other. */
function specification({ name, negated, short, brief, value }: Flag): string {
  const text = `[${escape(brief)}]`;
  const taken = value === null ? "" : `:${escape(value.placeholder)}:${action(value)}`;
  const names = short === null ? [name] : [short, name];
  if (negated !== null) {
    const both = `(${name} ${negated})`;
    return `${quote(`${both}${name}${text}`)} ${quote(`${both}${negated}[not: ${escape(brief)}]`)}`;
  }
  if (names.length === 1) return quote(`${name}${value === null ? "" : "="}${text}${taken}`);
  return `${quote(`(${names.join(" ")})`)}{${names.join(",")}}${quote(text + taken)}`;
}

function action({ choices, kind }: Value): string {
  if (choices.length > 0) return `(${choices.join(" ")})`;
  switch (kind) {
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "interface":
      return "_net_interfaces";
    case "node":
      return "_avail_nodes";
    case "kernel":
      return "_path_files -W /lib/modules -/";
    case "program":
      return "_command_names -e";
    case null:
      return " ";
  }
}

function functionOf({ path }: CommandEntry): string {
  return ["_avail", ...path].join("_").replaceAll("-", "_");
}

function last(path: readonly string[]): string {
  return path[path.length - 1];
}

/** What would end a description or begin an action. */
function escape(text: string): string {
  return text.replace(/[[\]:\\]/g, "\\$&");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
