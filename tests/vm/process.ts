/** Commands of the host, and what the harness tells of itself while they take their time. */

/** What a command that failed had printed. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";

  constructor(readonly command: string, readonly output: string) {
    super(`running ${command}: ${output.trimEnd() || "it failed and said nothing"}`);
  }
}

export interface RunOptions {
  readonly cwd?: string;
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a command to its end; it ends with us, however we end.
 * @returns What it printed on standard output, and `both` its standard error after it.
 * @throws {CommandFailure} If its exit code is not 0.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly out: string; readonly both: string }> {
  const { success, stdout, stderr } = await new Deno.Command("setpriv", {
    args: ["--pdeathsig", "TERM", "--", command, ...args],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { LC_ALL: "C", ...options.env },
    stdin: "null",
  }).output();
  const out = new TextDecoder().decode(stdout);
  const both = out + new TextDecoder().decode(stderr);
  if (!success) throw new CommandFailure(command, both);
  return { out, both };
}

/** One line of progress on standard error. */
export function say(text: string): void {
  console.error(`vm: ${text}`);
}

/** Whether `path` is there, symbolic links followed. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The path of a program, looked for where root's programs are, too; null if it is not installed. */
export function which(name: string): string | null {
  const folders = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`.split(":");
  const found = folders.filter(Boolean).map((folder) => `${folder}/${name}`).find(exists);
  return found ?? null;
}
