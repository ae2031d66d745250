/** A configuration as an administrator looks at it: all of its faults, or what it comes to. */
import type { Config } from "../config.ts";
import { examineConfig } from "../config_file.ts";
import { ConfigError, exitCodes, type Fault } from "../errors.ts";
import { keyLines } from "../toml_lines.ts";
import { readConfigText } from "./config_loader.ts";
import { controlRequest } from "./control_socket.ts";
import { examineFit } from "./fit.ts";
import { readKeyFile } from "./key_file.ts";
import { AvailError } from "../errors.ts";

export interface CheckedConfig {
  /** null: the text is no TOML. */
  readonly config: Config | null;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
}

/**
 * `isRunning`: whether a daemon has set this machine up; by default its socket is asked. Throws
 * `AvailError` only where there is no text to look at.
 */
export async function checkConfig(
  file: string,
  options: { readonly fileOnly: boolean; readonly isRunning?: boolean },
): Promise<CheckedConfig> {
  const text = await readConfigText(file);
  let examined: ReturnType<typeof examineConfig>;
  try {
    examined = examineConfig(text, { file, hostName: Deno.hostname() });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: null, faults: error.faults, warnings: [] };
  }
  const { config, faults, warnings } = examined;
  if (options.fileOnly) return { config, faults, warnings };
  const lines = keyLines(text);
  const lineOf = (where: string) => lines.get(where) ?? 0;
  const isRunning = options.isRunning ?? await answers(config.control.socket);
  const fit = await examineFit(config, file, lineOf, { isRunning });
  const keyFault = await keyFileFault(config, file, lineOf);
  // What the file lacks, the machine cannot lack as well.
  const known = new Set(faults.map(({ where }) => where));
  const more = [...keyFault, ...fit.faults].filter(({ where }) => !known.has(where));
  return {
    config,
    faults: byLine([...faults, ...more]),
    warnings: byLine([...warnings, ...fit.warnings]),
  };
}

/** The configuration of a file; throws `ConfigError` with its faults. */
export async function loadConfig(file: string): Promise<Config> {
  const text = await readConfigText(file);
  const { config, faults } = examineConfig(text, { file, hostName: Deno.hostname() });
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

async function keyFileFault(
  { cluster }: Config,
  file: string,
  lineOf: (where: string) => number,
): Promise<Fault[]> {
  const where = "cluster.key_file";
  const keys = await readKeyFile(cluster.keyFile);
  if (!("problem" in keys)) return [];
  const problem = `${cluster.keyFile}: ${keys.problem}`;
  return [{ file, line: lineOf(where), where, problem, remedy: keys.remedy }];
}

/** Whether a daemon is there, which has added the shared addresses. */
async function answers(socket: string): Promise<boolean> {
  try {
    await controlRequest(socket, { command: "status" });
    return true;
  } catch (error) {
    return error instanceof AvailError && error.exitCode !== exitCodes.notRunning;
  }
}

function byLine(faults: readonly Fault[]): Fault[] {
  return faults.toSorted((a, b) => a.line - b.line);
}
