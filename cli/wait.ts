/** Waiting for what was asked of a node: the flags, and the loop that asks how it stands. */
import type { Status } from "../lib/control.ts";
import { AvailError } from "../lib/errors.ts";
import { askStatus, type ClientFlags } from "./client.ts";
import type { Context } from "./context.ts";
import { Progress } from "./progress.ts";
import { duration } from "./render.ts";

export interface WaitFlags extends ClientFlags {
  readonly wait: boolean;
  /** Seconds. */
  readonly timeout: number;
}

export const waitFlags = {
  wait: { kind: "boolean", default: true, brief: "Wait until it is done" },
  timeout: {
    kind: "parsed",
    parse: (text: string) => {
      const seconds = Number(text);
      if (!(seconds > 0 && seconds <= 86400)) throw new Error("write seconds, 1 to 86400");
      return seconds;
    },
    default: "60",
    brief: "How long to wait, in seconds",
    placeholder: "SECONDS",
  },
} as const;

const lookEveryMs = 50;

/**
 * Asks until `missing` returns null; the status then. At once where the flags say not to wait; throws
 * `AvailError` with what is missing when the time is up.
 */
export async function waitUntil(
  context: Context,
  flags: WaitFlags,
  missing: (status: Status) => string | null,
): Promise<Status> {
  const deadline = performance.now() + flags.timeout * 1000;
  using progress = new Progress(context);
  for (;;) {
    const status = await askStatus(flags);
    const what = missing(status);
    if (what === null || !flags.wait) return status;
    if (performance.now() > deadline) {
      const waited = duration(flags.timeout * 1000);
      throw new AvailError(`${what} after ${waited}; \`avail status\` shows why`);
    }
    progress.show(what);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
