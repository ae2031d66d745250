/**
 * Ends this node's daemon before avail is removed: its buckets are handed over first. Whoever pulls the only
 * node's program away would switch the shared addresses off, and must say that this is meant.
 */
import type { Status } from "../../control.ts";
import { AvailError, exitCodes } from "../../errors.ts";
import type { ServiceManager } from "../service_manager.ts";

/** A running daemon, as far as leaving has to do with it. */
export interface Daemon {
  status(): Promise<Status>;
  drain(): Promise<void>;
  /** Takes a drain back that did not succeed. */
  resume(): Promise<void>;
}

export interface LeaveOptions {
  /** Stops the daemon whatever it handles. */
  readonly isForced: boolean;
  readonly isDryRun: boolean;
  /** How long it may take to hand over. */
  readonly timeoutMs: number;
  readonly pollMs: number;
}

/** What was done, or would be; nothing where no daemon runs. Throws `AvailError` where it must not be done. */
export async function leaveCluster(
  daemon: Daemon,
  manager: Pick<ServiceManager, "isRunning" | "stop" | "commandFor" | "logCommand">,
  options: LeaveOptions,
  did: (command: string, what: string) => void,
): Promise<void> {
  const status = await statusOf(daemon, options.isForced);
  const isOurs = await manager.isRunning();
  if (status === null && !isOurs) return;
  if (!isOurs) {
    throw new AvailError(
      "uninstall: a daemon runs that the service manager did not start; end it first, " +
        "by Ctrl-C where it was started or by SIGTERM (it hands its buckets over)",
    );
  }
  if (status !== null && !options.isForced) await handOver(daemon, status, options, did);
  if (!options.isDryRun) await manager.stop();
  did(manager.commandFor("stop") ?? "stop", "the daemon ends");
}

/** Null where none runs. */
async function statusOf(daemon: Daemon, isForced: boolean): Promise<Status | null> {
  try {
    return await daemon.status();
  } catch (error) {
    if (!(error instanceof AvailError)) throw error;
    if (error.exitCode === exitCodes.notRunning || isForced) return null;
    throw new AvailError(
      `uninstall: ask the daemon what it handles: ${error.message}; ` +
        "stop it, or say --force to go on without its answer",
      { cause: error },
    );
  }
}

async function handOver(
  daemon: Daemon,
  status: Status,
  { isDryRun, timeoutMs, pollMs }: LeaveOptions,
  did: (command: string, what: string) => void,
): Promise<void> {
  const owned = ownedBy(status);
  if (owned === 0) return;
  const heirs = status.members.filter(({ name, alive, state, eligible }) =>
    name !== status.node && alive && state === "ready" && eligible !== false
  );
  if (heirs.length === 0) {
    throw new AvailError(
      `uninstall: ${status.node} handles ${owned} buckets and no other node is there to take them: ` +
        "the shared addresses would answer no more; say --force if that is meant",
    );
  }
  if (!isDryRun) {
    await daemon.drain();
    await waitUntilGone(daemon, timeoutMs, pollMs);
  }
  did("avail drain", `${owned} buckets go to ${heirs.map(({ name }) => name).join(", ")}`);
}

async function waitUntilGone(daemon: Daemon, timeoutMs: number, pollMs: number): Promise<void> {
  for (let waitedMs = 0;; waitedMs += pollMs) {
    const left = ownedBy(await daemon.status());
    if (left === 0) return;
    if (waitedMs >= timeoutMs) {
      await daemon.resume();
      throw new AvailError(
        `uninstall: ${left} buckets are still here after ${timeoutMs / 1000} s, because of open ` +
          "connections (drain_timeout) or since nobody takes them; the drain was taken back, " +
          "nothing was removed; see avail status, or say --force",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function ownedBy({ node, members }: Status): number {
  return members.find(({ name }) => name === node)?.buckets ?? 0;
}
