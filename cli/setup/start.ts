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
  /** How many buckets it has at least when it is ready. */
  readonly bucketsMin: number;
  /** Whether there are others, with whom it has to come to rest. */
  readonly hasOthers: boolean;
}

const serviceConfigFile = "/etc/avail/avail.toml";
const readyMsMax = 90_000;
/** A full table of connections takes a while to copy; that need not be waited for. */
const restMsMax = 20_000;
const conflictMsMax = 15_000;
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
  { config, bucketsMin, hasOthers }: StartWish,
  from: number,
  progress: Progress,
  logCommand: string | null,
): Promise<number> {
  const { name } = config.node;
  const socket = config.control.socket;
  let readyAt: number | null = null;
  let conflictAt: number | null = null;
  for (;;) {
    const waitedMs = performance.now() - from;
    let missing = "its daemon does not answer yet";
    try {
      const status = await ask<Status>({ socket }, { command: "status" });
      const own = status.members.find((member) => member.name === name);
      const buckets = own?.buckets ?? 0;
      if (status.state === "ready" && buckets >= bucketsMin) {
        readyAt ??= performance.now();
        const isAtRest = !hasOthers || status.safe;
        if (isAtRest || performance.now() - readyAt > restMsMax) return buckets;
      }
      missing = stateText(status, buckets);
      // Whoever answers for the shared addresses, or has the name, does not go away by waiting.
      const isInConflict = status.reason?.startsWith("conflict") ?? false;
      conflictAt = isInConflict ? conflictAt ?? performance.now() : null;
      if (conflictAt !== null && performance.now() - conflictAt > conflictMsMax) {
        throw new AvailError(
          `${name} is set up and started, and takes no buckets: ${missing}; end what is there, or ` +
            `set this node up otherwise (--force), and watch \`avail status\``,
        );
      }
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
