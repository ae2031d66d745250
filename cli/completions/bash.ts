/** Completions for bash 4 or newer; needs no package bash-completion. */
import { type CommandEntry, helpFlag, type Value } from "../command_table.ts";

/** The whole script. @param table The program's entry. */
export function bashCompletions(table: CommandEntry): string {
  const entries = flatten(table);
  const routes = entries.map(({ path }) => path.join(" ")).filter((path) => path !== "");
  return `# Completions of avail(8) for bash. Made by: avail completions bash

_avail_nodes() { avail completions nodes 2>/dev/null; }

_avail() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  local command= next i words= kind= choices=
  COMPREPLY=()
  # bash takes --flag=value for three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${command:+$command }\${COMP_WORDS[i]}"
    case $next in
      ${wrapAlternatives(routes)}) command=$next ;;
      *) break ;;
    esac
  done
  case $command in
${entries.map(caseOf).join("\n")}
  esac
  if [[ -n $choices ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
    return
  fi
  case $kind in
    file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      ;;
    folder)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      ;;
    interface) mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur") ;;
    kernel) mapfile -t COMPREPLY < <(compgen -W "$(ls /lib/modules 2>/dev/null)" -- "$cur") ;;
    node) mapfile -t COMPREPLY < <(compgen -W "$(_avail_nodes)" -- "$cur") ;;
    program) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
    none) ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
  esac
}

complete -F _avail avail
`;
}

function flatten(entry: CommandEntry): CommandEntry[] {
  return [entry, ...entry.commands.flatMap(flatten)];
}

/** Sets what is right at the cursor: words, or the choices or the kind of a value. */
function caseOf({ path, flags, commands, positionals }: CommandEntry): string {
  const all = [...flags, helpFlag];
  const flagWords = all.flatMap(({ name, negated, short }) =>
    [name, negated, short].filter((word) => word !== null)
  );
  const names = commands.map(({ path }) => path[path.length - 1]);
  const lines = [`    ${path.length === 0 ? "''" : quote(path.join(" "))})`];
  const taking = all.flatMap(({ name, short, value }) =>
    value === null ? [] : [{ words: short === null ? [name] : [name, short], value }]
  );
  const here = positionals.find(({ value }) => value.choices.length > 0 || value.kind !== null);
  lines.push("      case $prev in");
  for (const { words, value } of taking) {
    lines.push(`        ${words.join(" | ")}) ${assignment(value)} ;;`);
  }
  lines.push("        *)");
  if (here === undefined) {
    lines.push(`          words=${quote(flagWords.join(" "))}`);
    if (names.length > 0) {
      // Behind a word that is no command, none is right.
      lines.push(`          ((i < COMP_CWORD)) || words+=${quote(` ${names.join(" ")}`)}`);
    }
  } else {
    lines.push(`          if [[ $cur == -* ]]; then words=${quote(flagWords.join(" "))}`);
    lines.push(`          else ${assignment(here.value)}; fi`);
  }
  lines.push("          ;;", "      esac", "      ;;");
  return lines.join("\n");
}

function assignment({ choices, kind }: Value): string {
  return choices.length > 0 ? `choices=${quote(choices.join(" "))}` : `kind=${kind ?? "none"}`;
}

function wrapAlternatives(routes: readonly string[]): string {
  return routes.map(quote).join(" | ");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
