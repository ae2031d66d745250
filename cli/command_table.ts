/** The table of commands as data: what completions and the manual page are made from. */
import type { Application, Command, RouteMap } from "@stricli/core";
import type { Context } from "./context.ts";

/** What a value can be completed with; null: nothing is known of it. */
export type ValueKind = "file" | "folder" | "interface" | "node" | "kernel" | "program" | null;

export interface Value {
  readonly placeholder: string;
  /** The only ones that are right; empty where that cannot be told. */
  readonly choices: readonly string[];
  readonly kind: ValueKind;
}

export interface Flag {
  /** With its dashes, such as `--dry-run`. */
  readonly name: string;
  /** The flag that says the opposite, such as `--no-wait`; null where there is none. */
  readonly negated: string | null;
  /** One letter with its dash, or null. */
  readonly short: string | null;
  readonly brief: string;
  /** Null: it takes none. */
  readonly value: Value | null;
  /** What it is without the flag, where the table says so. */
  readonly default: string | null;
  readonly isRequired: boolean;
}

export interface Positional {
  readonly value: Value;
  readonly brief: string;
  readonly isOptional: boolean;
  /** As many as one likes. */
  readonly isRepeated: boolean;
}

export interface CommandEntry {
  /** `["kmod", "build"]`; empty for the program itself. */
  readonly path: readonly string[];
  readonly brief: string;
  readonly description: string;
  readonly flags: readonly Flag[];
  readonly positionals: readonly Positional[];
  readonly commands: readonly CommandEntry[];
}

/** Whoever asks for help gets it everywhere. */
export const helpFlag: Flag = {
  name: "--help",
  negated: null,
  short: "-h",
  brief: "Print help and exit",
  value: null,
  default: null,
  isRequired: false,
};

/** The whole table; hidden commands and flags are left out. */
export function commandTable(application: Application<Context>): CommandEntry {
  return entryOf(application.root, []);
}

/** All commands that do something, in the table's order. */
export function leaves(entry: CommandEntry): CommandEntry[] {
  return entry.commands.length === 0 ? [entry] : entry.commands.flatMap(leaves);
}

function entryOf(
  target: Command<Context> | RouteMap<Context>,
  path: readonly string[],
): CommandEntry {
  const { brief, fullDescription } = target;
  const own = { path, brief, description: fullDescription ?? brief };
  if ("getAllEntries" in target) {
    const commands = target.getAllEntries().filter(({ hidden }) => !hidden)
      .map(({ name, target }) => entryOf(target, [...path, kebab(name.original)]));
    return { ...own, flags: [], positionals: [], commands };
  }
  const { flags = {}, aliases = {}, positional } = target.parameters;
  const letters = Object.entries(aliases);
  const shown = Object.entries(flags).filter(([, flag]) => !("hidden" in flag && flag.hidden));
  return {
    ...own,
    commands: [],
    flags: shown.map(([name, flag]): Flag => {
      const letter = letters.find(([, long]) => long === name)?.[0];
      const isSwitch = flag.kind === "boolean" || flag.kind === "counter";
      const hasOpposite = flag.kind === "boolean" && flag.withNegated !== false &&
        flag.default !== false;
      return {
        name: `--${kebab(name)}`,
        negated: hasOpposite ? `--no-${kebab(name)}` : null,
        short: letter === undefined ? null : `-${letter}`,
        brief: flag.brief,
        value: isSwitch ? null : valueOf(flag),
        default: "default" in flag && flag.default !== undefined ? String(flag.default) : null,
        isRequired: !isSwitch && flag.optional !== true && !("default" in flag),
      };
    }),
    positionals: positional === undefined
      ? []
      : positional.kind === "array"
      ? [{ ...positionalOf(positional.parameter), isRepeated: true }]
      : positional.parameters.map((parameter) => ({
        ...positionalOf(parameter),
        isRepeated: false,
      })),
  };
}

interface Described {
  readonly placeholder?: string;
  readonly values?: readonly string[];
}

function positionalOf(
  parameter: Described & { readonly brief: string; readonly optional?: boolean },
): Omit<Positional, "isRepeated"> {
  const { brief, optional } = parameter;
  return { value: valueOf(parameter), brief, isOptional: optional === true };
}

function valueOf({ placeholder, values }: Described): Value {
  const word = placeholder ?? (values === undefined ? "VALUE" : values.join("|"));
  // A placeholder such as bash|zsh|fish says all that is right.
  const choices = values ?? (/^[a-z0-9-]+(\|[a-z0-9-]+)+$/.test(word) ? word.split("|") : []);
  return { placeholder: word, choices, kind: kinds[word] ?? null };
}

/** The placeholders that the table uses, where they mean the same everywhere. */
const kinds: Readonly<Record<string, ValueKind>> = {
  FILE: "file",
  PATH: "file",
  DIR: "folder",
  IF: "interface",
  NAME: "node",
  NODE: "node",
  RELEASE: "kernel",
  PROGRAM: "program",
};

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
