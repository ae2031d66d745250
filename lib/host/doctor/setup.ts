/** What the configuration says, and what the daemon and the other nodes' daemons answer. */
import type { Config } from "../../config.ts";
import { examineConfig } from "../../config_file.ts";
import type { KeysStatus } from "../../control_keys.ts";
import type { ControlRequest, Status } from "../../control.ts";
import { AvailError, exitCodes, type Fault } from "../../errors.ts";
import type { PeerVitals, ServiceCommands, Setup } from "../../doctor/setup.ts";
import type { Vitals } from "../../vitals.ts";
import type { KeyRing } from "../../wire/keys.ts";
import { defaultConfigFile } from "../config_loader.ts";
import { controlRequest } from "../control_socket.ts";
import { unreadable } from "../file_problem.ts";
import { readKeyFile } from "../key_file.ts";
import { findServiceManager } from "../service_manager.ts";

export interface Gathered extends Setup {
  readonly configFile: {
    readonly path: string;
    readonly exists: boolean;
    readonly faults: readonly Fault[];
    readonly warnings: readonly Fault[];
    /** Also where it has other faults; null: it cannot be read. */
    readonly stated: Config | null;
  };
  /** What the daemon says of its keys; null where it does not run, or is older. */
  readonly keysStatus: KeysStatus | null;
  /** null where the key file cannot be used. */
  readonly keys: KeyRing | null;
}

const defaultSocket = "/run/avail/control.sock";
/** A daemon that works answers in milliseconds. */
const answerMsMax = 3000;
/** The daemon gives another node 5 s. */
const forwardMsMax = 6000;

/** Throws `AvailError` only where a file was named that cannot be read. */
export async function gatherSetup(
  flags: { readonly config?: string; readonly socket?: string },
): Promise<Gathered> {
  const configFile = readConfigFile(flags.config);
  const config = configFile.faults.length === 0 ? configFile.stated : null;
  const socket = flags.socket ?? configFile.stated?.control.socket ?? defaultSocket;
  const { status, problem } = await askStatus(socket);
  const keyFile = configFile.stated?.cluster.keyFile;
  const keys = keyFile === undefined ? null : await readKeyFile(keyFile);
  return {
    config,
    configFile,
    keys: keys !== null && "ring" in keys ? keys.ring : null,
    status,
    daemonProblem: problem,
    vitals: status === null ? null : await askOrNull<Vitals>(socket, { command: "vitals" }),
    keysStatus: status === null
      ? null
      : await askOrNull<KeysStatus>(socket, { command: "keys", do: "show" }),
    peers: status === null ? [] : await askPeers(socket, status),
    service: serviceCommands(),
  };
}

/** Without a service manager, whoever runs the daemon knows how. */
function serviceCommands(): ServiceCommands {
  const manager = findServiceManager();
  return {
    start: manager.commandFor("start") ?? "avail run",
    restart: manager.commandFor("restart") ?? "avail run   # after its end",
    log: manager.logCommand ?? "avail events",
  };
}

function readConfigFile(named: string | undefined): Gathered["configFile"] {
  const path = named ?? defaultConfigFile;
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (named !== undefined) {
      const { problem, remedy } = unreadable(error, "write one, or name it with --config");
      throw new AvailError(`${path}: ${problem}; ${remedy}`, { exitCode: exitCodes.usage });
    }
    const exists = !(error instanceof Deno.errors.NotFound);
    return { path, exists, faults: [], warnings: [], stated: null };
  }
  const source = { file: path, hostName: Deno.hostname() };
  const { config, faults, warnings } = examineConfig(text, source);
  return { path, exists: true, faults, warnings, stated: config };
}

async function askStatus(
  socket: string,
): Promise<{ status: Status | null; problem: string | null }> {
  try {
    const status = await controlRequest(socket, { command: "status" }, answerMsMax) as Status;
    return { status, problem: null };
  } catch (error) {
    if (!(error instanceof AvailError)) throw error;
    const isGone = error.exitCode === exitCodes.notRunning;
    return { status: null, problem: isGone ? null : error.message };
  }
}

/** null where it is not told, whatever the reason: older daemons do not know the question. */
async function askOrNull<T>(socket: string, request: ControlRequest): Promise<T | null> {
  try {
    return await controlRequest(socket, request, forwardMsMax) as T;
  } catch (error) {
    if (error instanceof AvailError) return null;
    throw error;
  }
}

async function askPeers(socket: string, status: Status): Promise<PeerVitals[]> {
  const others = status.members.filter(({ name, alive }) => name !== status.node && alive);
  return await Promise.all(others.map(async ({ name }) => {
    const askedMs = Date.now();
    const request = { command: "forward", node: name, request: { command: "vitals" } } as const;
    const vitals = await askOrNull<Vitals>(socket, request);
    return { name, vitals, askedMs, answeredMs: Date.now() };
  }));
}
