/** What every command that asks the daemon has in common. */
import type { ControlRequest, ForwardableRequest, Status } from "../lib/control.ts";
import { AvailError, exitCodes } from "../lib/errors.ts";
import { readNodeName } from "./inputs.ts";

export interface ClientFlags {
  readonly config?: string;
  readonly socket?: string;
}

/** `--config` and `--socket`, as Stricli wants them declared. */
export const clientFlags = {
  config: {
    kind: "parsed",
    parse: String,
    optional: true,
    brief: "Configuration that names the daemon's socket [/etc/avail/avail.toml]",
    placeholder: "FILE",
  },
  socket: {
    kind: "parsed",
    parse: String,
    optional: true,
    brief: "The daemon's control socket, instead of the configuration's",
    placeholder: "PATH",
  },
} as const;

export interface NodeFlags extends ClientFlags {
  /** Another node than the daemon's own. */
  readonly node?: string;
}

/** `--node`. */
export const nodeFlag = {
  kind: "parsed",
  parse: readNodeName,
  optional: true,
  brief: "The node that is meant, by its name; this one's daemon asks it",
  placeholder: "NAME",
} as const;

/** A flag that is either there or not; to be completed with a brief. */
export const optionalSwitch = { kind: "boolean", optional: true, withNegated: false } as const;

export const jsonFlag = { ...optionalSwitch, brief: "Print JSON for scripts" } as const;

/** Asks the daemon; the shape of the answer is the daemon's word. */
export async function ask<T>(
  flags: ClientFlags,
  request: ControlRequest,
  timeoutMs?: number,
): Promise<T> {
  const { controlRequest } = await import("../lib/host/control_socket.ts");
  const path = flags.socket ?? await socketOf(flags.config);
  try {
    return await controlRequest(path, request, timeoutMs) as T;
  } catch (error) {
    const isDown = error instanceof AvailError && error.exitCode === exitCodes.notRunning;
    const advice = isDown && flags.socket === undefined ? await howToStart(flags.config) : null;
    if (advice === null) throw error;
    throw new AvailError(`avail is not running: ${advice}`, {
      exitCode: exitCodes.notRunning,
      cause: error,
    });
  }
}

/** What an administrator types now; null: nothing better than to run the daemon. */
async function howToStart(config: string | undefined): Promise<string | null> {
  const { defaultConfigFile } = await import("../lib/host/config_loader.ts");
  const { Tree } = await import("../lib/host/kernel_module/tree.ts");
  if (config === undefined && !new Tree("/").exists(defaultConfigFile)) {
    return `this node is not set up, ${defaultConfigFile} is not there; ` +
      "`avail init` sets up the first node of a cluster, `avail join` every other one";
  }
  const { findServiceManager } = await import("../lib/host/service_manager.ts");
  const manager = findServiceManager();
  if (!manager.isInstalled()) return null;
  const log = manager.logCommand;
  return `start it with \`${manager.commandFor("start")}\`` +
    (log === null ? "" : `; what it said is in \`${log}\``);
}

/** The daemon gives another node 5 s. */
const forwardTimeoutMs = 8000;

/** Asks the node of `--node` through the daemon, or the daemon itself. */
export async function askNode<T>(flags: NodeFlags, request: ForwardableRequest): Promise<T> {
  const { node } = flags;
  if (node === undefined) return await ask<T>(flags, request);
  return await ask<T>(flags, { command: "forward", node, request }, forwardTimeoutMs);
}

export function askStatus(flags: ClientFlags): Promise<Status> {
  return ask<Status>(flags, { command: "status" });
}

async function socketOf(config: string | undefined): Promise<string> {
  const { loadSocketPath } = await import("../lib/host/config_loader.ts");
  return await loadSocketPath(config);
}
