/** Starts a node that was set up, and waits until it has its buckets. */
import type { Config } from "../../lib/config.ts";
import type { Status } from "../../lib/control.ts";
import { AvailError, exitCodes } from "../../lib/errors.ts";
import { ask } from "../client.ts";
import type { Context } from "../context.ts";
import { Progress } from "../progress.ts";
import { duration, plain } from "../render.ts";

/** What became of it. */
export type Start =
  | { readonly kind: "ready"; readonly buckets: number; readonly tookMs: number }
  /** It was not to be started, or nobody here can: how to do it by hand. */
  | { readonly kind: "not started"; readonly command: string; readonly why: string };

export interface StartWish {
  readonly config: Config;
  /** false: `--no-start`. */
  readonly start: boolean;
  /** How many buckets it has when it is ready. */
  readonly bucketsMin: number;
}

const serviceConfigFile = "/etc/avail/avail.toml";
const readyMsMax = 90_000;
const lookEveryMs = 100;

/** Throws `AvailError` where the service does not start, or the node does not become ready. */
export async function startNode(context: Context, wish: StartWish): Promise<Start> {
  const { config } = wish;
  const { findServiceManager } = await import("../../lib/host/service_manager.ts");
  const manager = findServiceManager();
  const isDefault = config.file === serviceConfigFile;
  const byHand = `avail run${isDefault ? "" : ` --config ${config.file}`}`;
  if (!isDefault) {
    const why = `the service uses ${serviceConfigFile}`;
    return { kind: "not started", command: byHand, why };
  }
  if (manager.kind === "none") {
    return { kind: "not started", command: byHand, why: "no service manager is at work here" };
  }
  if (!manager.isInstalled()) {
    const command = `avail install && ${manager.commandFor("start")}`;
    return { kind: "not started", command, why: "the service is not installed" };
  }
  if (!wish.start) {
    return { kind: "not started", command: manager.commandFor("start")!, why: "--no-start" };
  }
  const from = performance.now();
  using progress = new Progress(context);
  progress.show(`starting: ${manager.commandFor("start")}`);
  await manager.start();
  const buckets = await readyBuckets(wish, from, progress, manager.logCommand);
  return { kind: "ready", buckets, tookMs: performance.now() - from };
}

/** Waits until the node is ready and has its buckets; how many. */
async function readyBuckets(
  { config, bucketsMin }: StartWish,
  from: number,
  progress: Progress,
  logCommand: string | null,
): Promise<number> {
  const { name } = config.node;
  const socket = config.control.socket;
  for (;;) {
    const waitedMs = performance.now() - from;
    let missing = "its daemon does not answer yet";
    try {
      const status = await ask<Status>({ socket }, { command: "status" });
      const own = status.members.find((member) => member.name === name);
      const buckets = own?.buckets ?? 0;
      if (status.state === "ready" && buckets >= bucketsMin) return buckets;
      missing = stateText(status, buckets);
    } catch (error) {
      if (!(error instanceof AvailError)) throw error;
      if (error.exitCode !== exitCodes.notRunning) missing = error.message;
    }
    if (waitedMs > readyMsMax) {
      const log = logCommand === null ? "" : `, and its log: ${logCommand}`;
      throw new AvailError(
        `${name} is set up and started, and not ready after ${duration(readyMsMax)}: ${missing}; ` +
          `\`avail status\` shows how it stands${log}`,
      );
    }
    progress.show(`${name}: ${missing} (${duration(waitedMs)})`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

function stateText({ state, reason, members, node }: Status, buckets: number): string {
  const own = members.find(({ name }) => name === node);
  const because = reason ?? own?.notEligibleBecause;
  const differs = own?.differs === undefined
    ? ""
    : `, its ${own.differs.join(", ")} differ from ${own.differsFrom?.join(", ")}`;
  const why = because === undefined ? "" : `, ${because}`;
  return plain(`${state} with ${buckets} buckets${why}${differs}`);
}
