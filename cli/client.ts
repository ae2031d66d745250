/** What every command that asks the daemon has in common. */
import type { ControlRequest, ForwardableRequest, Status } from "../lib/control.ts";
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
  return await controlRequest(path, request, timeoutMs) as T;
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
