/** The configuration and the keys of this machine, read from their files. */
import type { Config } from "../config.ts";
import { examineConfig } from "../config_file.ts";
import { AvailError, ConfigError, exitCodes, type Fault } from "../errors.ts";
import { programFaults } from "./check_programs.ts";
import { nearestWord } from "../nearest.ts";
import { keyLines } from "../toml_lines.ts";
import type { KeyRing } from "../wire/keys.ts";
import { unreadable } from "./file_problem.ts";
import { readKeyFile } from "./key_file.ts";

export interface LoadedConfig {
  readonly config: Config;
  readonly keys: KeyRing;
  readonly warnings: readonly Fault[];
}

/** The configuration and the key file that it names; faults of both are told at once. */
export async function loadConfigAndKeys(file: string): Promise<LoadedConfig> {
  const text = await readConfigText(file);
  const { config, faults, warnings } = examineConfig(text, { file, hostName: Deno.hostname() });
  const where = "cluster.key_file";
  const keys = faults.some((fault) => fault.where === where)
    ? null
    : await readKeyFile(config.cluster.keyFile);
  if (keys !== null && !("problem" in keys) && faults.length === 0) {
    return { config, keys: keys.ring, warnings };
  }
  if (keys === null || !("problem" in keys)) throw new ConfigError(faults);
  const problem = `${config.cluster.keyFile}: ${keys.problem}`;
  const line = keyLines(text).get(where) ?? 0;
  throw new ConfigError([...faults, { file, line, where, problem, remedy: keys.remedy }]);
}

/**
 * What `avail run` needs: as `loadConfigAndKeys`, and every interface must exist in this network
 * namespace, and every program that a check runs.
 */
export async function loadForRun(file: string): Promise<LoadedConfig> {
  const loaded = await loadConfigAndKeys(file);
  const lines = keyLines(await readConfigText(file));
  const existing = await existingInterfaces();
  const faults: Fault[] = [];
  const check = (name: string, where: string) => {
    if (existing.includes(name)) return;
    const near = nearestWord(name, existing);
    faults.push({
      file,
      line: lines.get(where) ?? 0,
      where,
      problem: `"${name}": there is no such interface`,
      remedy: near ? `did you mean "${near}"?` : `there are ${existing.join(", ")}`,
    });
  };
  loaded.config.links.forEach((link, i) => check(link.interface, `link[${i}].interface`));
  loaded.config.shares.forEach((share, i) => check(share.interface, `share[${i}].interface`));
  for (const fault of await programFaults(loaded.config)) {
    const line = lines.get(fault.where) ?? 0;
    faults.push({ file, line, ...fault });
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return loaded;
}

/** The interfaces of this process's network namespace (/sys shows those of its mount's). */
async function existingInterfaces(): Promise<string[]> {
  const text = await Deno.readTextFile("/proc/self/net/dev");
  return text.split("\n").flatMap((line) => /^\s*(\S+?):/.exec(line)?.[1] ?? []);
}

/** Where the daemon's socket is when no configuration says otherwise. */
export const defaultConfigFile = "/etc/avail/avail.toml";
const defaultSocket = "/run/avail/control.sock";

/**
 * The control socket of a configuration, for commands that only ask: faults elsewhere in the file
 * must not keep anyone from looking at a running daemon. Without `file`, the default one, which may
 * be missing.
 */
export async function loadSocketPath(file?: string): Promise<string> {
  let text: string;
  try {
    text = await readConfigText(file ?? defaultConfigFile);
  } catch (error) {
    const isMissing = error instanceof AvailError && error.cause instanceof Deno.errors.NotFound;
    if (file === undefined && isMissing) return defaultSocket;
    throw error;
  }
  const source = { file: file ?? defaultConfigFile, hostName: Deno.hostname() };
  const { config, faults } = examineConfig(text, source);
  const ofSocket = faults.filter((fault) => fault.where.startsWith("control"));
  if (ofSocket.length > 0) throw new ConfigError(ofSocket);
  return config.control.socket;
}

/** The text of a configuration; throws `AvailError` where there is none. */
export async function readConfigText(file: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(file);
  } catch (error) {
    const { problem, remedy } = unreadable(error, "write one, or name it with --config");
    throw new AvailError(`${file}: ${problem}; ${remedy}`, {
      exitCode: exitCodes.usage,
      cause: error,
    });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AvailError(`${file}: is no UTF-8 text; save it as UTF-8`, {
      exitCode: exitCodes.usage,
      cause,
    });
  }
}
