/** The table of commands, and how failures are worded. Nothing here exits. */
import {
  type Application,
  ArgumentScannerError,
  buildApplication,
  buildRouteMap,
  formatMessageForArgumentScannerError,
  text_en,
} from "@stricli/core";
import { AvailError, ConfigError, type ExitCode, exitCodes, formatFault } from "../lib/errors.ts";
import { completionsCommand } from "./completions.ts";
import { configRoutes } from "./config.ts";
import type { Context } from "./context.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { drainCommand, resumeCommand } from "./drain.ts";
import { eventsCommand } from "./events.ts";
import { flowsCommand } from "./flows.ts";
import { initCommand } from "./init.ts";
import { installCommand } from "./install.ts";
import { joinCommand } from "./join.ts";
import { keyRoutes } from "./key.ts";
import { kmodRoutes } from "./kmod.ts";
import { planCommand } from "./plan.ts";
import { reloadCommand } from "./reload.ts";
import { reportCommand } from "./report.ts";
import { runCommand } from "./run.ts";
import { statusCommand } from "./status.ts";
import { uninstallCommand } from "./uninstall.ts";
import { tokenCommand } from "./token.ts";
import { versionCommand } from "./version.ts";
import { weightCommand } from "./weight.ts";
import { whoCommand } from "./who.ts";

/** The whole program. Commands load what they need when they run. */
export function application(): Application<Context> {
  const routes = buildRouteMap({
    routes: {
      status: statusCommand,
      events: eventsCommand,
      who: whoCommand,
      flows: flowsCommand,
      drain: drainCommand,
      resume: resumeCommand,
      weight: weightCommand,
      plan: planCommand,
      report: reportCommand,
      run: runCommand,
      reload: reloadCommand,
      doctor: doctorCommand,
      init: initCommand,
      join: joinCommand,
      token: tokenCommand,
      config: configRoutes,
      key: keyRoutes,
      kmod: kmodRoutes,
      install: installCommand,
      uninstall: uninstallCommand,
      completions: completionsCommand,
      demo: demoCommand,
      version: versionCommand,
    },
    docs: {
      brief: "N Linux machines as one firewall, router or service address",
      fullDescription: "N Linux machines as one firewall, router or service address.\n" +
        "Without a command, avail shows the status.\n\n" +
        "Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration,\n" +
        "3 the daemon is not running, 4 running but not safe.",
    },
  });
  return buildApplication(routes, {
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
