/** What went wrong, in the words that the user reads and the exit code that scripts read. */

/** Exit codes of every command (docs/operating.md). */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  notSafe: 4,
} as const;
export type ExitCode = typeof exitCodes[keyof typeof exitCodes];

/** A failure that is told to the user as it stands: the attempt, a colon, what was found, the remedy. */
export class AvailError extends Error {
  override readonly name: string = "AvailError";
  readonly exitCode: ExitCode;
  constructor(message: string, options: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** One fault of a configuration file. */
export interface Fault {
  readonly file: string;
  /** Line number from 1; 0 where the fault has no line (a key that is missing from the file). */
  readonly line: number;
  /** The key's path, such as `share[0].addresses[1]`. */
  readonly where: string;
  /** What was found, with the value. */
  readonly problem: string;
  /** What would be right. */
  readonly remedy: string;
}

/** All faults of a configuration, reported at once. */
export class ConfigError extends AvailError {
  override readonly name = "ConfigError";
  constructor(readonly faults: readonly Fault[]) {
    super(faults.map(formatFault).join("\n"), { exitCode: exitCodes.usage });
  }
}

/** `file:line: where: problem; remedy`; a fault of a flag has neither line nor where. */
export function formatFault(fault: Fault): string {
  const place = fault.line > 0 ? `${fault.file}:${fault.line}` : fault.file;
  const where = fault.where === "" ? "" : `${fault.where}: `;
  return `${place}: ${where}${fault.problem}; ${fault.remedy}`;
}

/** A broken invariant is our own bug: on in production, one condition each. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`bug in avail: ${message}`);
}
