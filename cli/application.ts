/** The table of commands, and how failures are worded. Nothing here exits. */
import {
  type Application,
  ArgumentScannerError,
  buildApplication,
  buildRouteMap,
  type Command,
  formatMessageForArgumentScannerError,
  type RouteMap,
  text_en,
} from "@stricli/core";
import { AvailError, ConfigError, type ExitCode, exitCodes, formatFault } from "../lib/errors.ts";
import type { Context } from "./context.ts";

type Route = Command<Context> | RouteMap<Context>;

/** In the order of the help. Each is read when it is wanted: a start pays for what it reads. */
const routes: Readonly<Record<string, () => Promise<Route>>> = {
  status: async () => (await import("./status.ts")).statusCommand,
  events: async () => (await import("./events.ts")).eventsCommand,
  who: async () => (await import("./who.ts")).whoCommand,
  flows: async () => (await import("./flows.ts")).flowsCommand,
  drain: async () => (await import("./drain.ts")).drainCommand,
  resume: async () => (await import("./drain.ts")).resumeCommand,
  weight: async () => (await import("./weight.ts")).weightCommand,
  plan: async () => (await import("./plan.ts")).planCommand,
  report: async () => (await import("./report.ts")).reportCommand,
  run: async () => (await import("./run.ts")).runCommand,
  reload: async () => (await import("./reload.ts")).reloadCommand,
  doctor: async () => (await import("./doctor.ts")).doctorCommand,
  init: async () => (await import("./init.ts")).initCommand,
  join: async () => (await import("./join.ts")).joinCommand,
  token: async () => (await import("./token.ts")).tokenCommand,
  config: async () => (await import("./config.ts")).configRoutes,
  key: async () => (await import("./key.ts")).keyRoutes,
  kmod: async () => (await import("./kmod.ts")).kmodRoutes,
  install: async () => (await import("./install.ts")).installCommand,
  uninstall: async () => (await import("./uninstall.ts")).uninstallCommand,
  completions: async () => (await import("./completions.ts")).completionsCommand,
  demo: async () => (await import("./demo.ts")).demoCommand,
  version: async () => (await import("./version.ts")).versionCommand,
};

/**
 * The program: as much of it as the first of these words names, or the whole of it. Commands load what
 * else they need when they run.
 */
export async function application(inputs: readonly string[] = []): Promise<Application<Context>> {
  const wanted = Object.keys(routes).filter((name) => name === inputs[0]);
  const names = wanted.length > 0 ? wanted : Object.keys(routes);
  const entries = names.map(async (name) => [name, await routes[name]()] as const);
  const root = buildRouteMap<string, Context>({
    routes: Object.fromEntries(await Promise.all(entries)),
    docs: {
      brief: "N Linux machines as one firewall, router or service address",
      fullDescription: "N Linux machines as one firewall, router or service address.\n" +
        "Without a command, avail shows the status.\n\n" +
        "Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration,\n" +
        "3 the daemon is not running, 4 running but not safe.",
    },
  });
  return buildApplication(root, {
    name: "avail",
    scanner: { caseStyle: "allow-kebab-for-camel" },
    localization: { text: words },
    determineExitCode: (error) => error instanceof AvailError ? error.exitCode : exitCodes.failed,
  });
}

export function isHelpFlag(word: string): boolean {
  return ["--help", "-h", "--help-all", "--helpAll", "-H"].includes(word);
}

/** The bare command is `status`, also with flags. */
export function withDefaultCommand(inputs: readonly string[]): readonly string[] {
  if (inputs[0] === "--version") return ["version", ...inputs.slice(1)];
  return inputs.length === 0 || (inputs[0].startsWith("-") && !isHelpFlag(inputs[0]))
    ? ["status", ...inputs]
    : inputs;
}

/** Stricli's own codes are negative: words that it does not understand, or faults of ours. */
export function exitCodeOf(code: number | string | null | undefined): ExitCode {
  const known = Object.values(exitCodes).find((candidate) => candidate === code);
  if (known !== undefined) return known;
  return code === -5 || code === -4 ? exitCodes.usage : exitCodes.failed;
}

const words = {
  ...text_en,
  noCommandRegisteredForInput: (
    { input, corrections }: { readonly input: string; readonly corrections: readonly string[] },
  ) => {
    const remedy = corrections.length > 0
      ? `did you mean ${corrections.join(" or ")}?`
      : "`avail --help` shows all";
    return `avail: unknown command "${input}"; ${remedy}`;
  },
  exceptionWhileParsingArguments: (error: unknown) => `avail: ${wrongUsage(error)}`,
  exceptionWhileRunningCommand: tell,
  exceptionWhileLoadingCommandFunction: tell,
  commandErrorResult: (error: Error) => tell(error),
};

/** What the user reads: the faults, the failure, or, where it is our own bug, all that we know. */
function tell(error: unknown): string {
  if (error instanceof ConfigError) {
    return error.faults.map((fault) => `avail: ${formatFault(fault)}`).join("\n");
  }
  if (error instanceof AvailError) return `avail: ${error.message}`;
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  return `avail: unexpected: ${stack}`;
}

/** Wrong words: what was found, and what would be right. */
function wrongUsage(error: unknown): string {
  if (!(error instanceof ArgumentScannerError)) return messageOf(error);
  return formatMessageForArgumentScannerError(error, {
    FlagNotFoundError: ({ input, corrections }) =>
      `unknown flag --${input}; ` +
      (corrections.length > 0
        ? `did you mean ${corrections.map((word) => `--${kebab(word)}`).join(" or ")}?`
        : "--help shows all"),
    AliasNotFoundError: ({ input }) => `unknown flag -${input}; --help shows all`,
    ArgumentParseError: ({ externalFlagNameOrPlaceholder: name, input, exception }) =>
      `${name}: "${input}": ${messageOf(exception)}`,
    UnsatisfiedPositionalError: ({ placeholder }) => `${placeholder} is missing; --help shows how`,
    UnsatisfiedFlagError: ({ externalFlagName }) => `--${externalFlagName} needs a value`,
    UnexpectedPositionalError: ({ input }) => `"${input}" is one word too many; --help shows how`,
    UnexpectedFlagError: ({ externalFlagName }) => `--${externalFlagName} stands there twice`,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Flags as they are typed and shown; Stricli knows them by their names in the code. */
function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
