/** `avail drain` and `avail resume`: take this node out of the work, and put it back. */
import { buildCommand } from "@stricli/core";
import type { NodeState, Status } from "../lib/control.ts";
import { AvailError } from "../lib/errors.ts";
import { ask, askStatus, type ClientFlags, clientFlags, jsonFlag } from "./client.ts";
import type { Context } from "./context.ts";
import { counted, duration, jsonLine } from "./render.ts";

interface Flags extends ClientFlags {
  readonly wait: boolean;
  readonly timeout: number;
  readonly json?: boolean;
}

const flags = {
  ...clientFlags,
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
  json: jsonFlag,
} as const;

export const drainCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Hand this node's buckets to the others",
    fullDescription: "Hands this node's buckets to the others without losing a connection.\n" +
      "The daemon goes on running and takes none until `avail resume`.",
  },
  parameters: { flags },
  async func(flags) {
    await ask(flags, { command: "drain" });
    const isDone = (state: NodeState, buckets: number) => state === "draining" && buckets === 0;
    await finish(this, flags, isDone, "drained: it may be unplugged");
  },
});

export const resumeCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Let this node take buckets again",
    fullDescription: "Ends a drain: the node takes its part of the buckets again.",
  },
  parameters: { flags },
  async func(flags) {
    await ask(flags, { command: "resume" });
    await finish(this, flags, (state) => state === "ready", "ready for buckets");
  },
});

/** Waits as the flags say, then tells how it stands. */
async function finish(
  context: Context,
  flags: Flags,
  isDone: (state: NodeState, buckets: number) => boolean,
  done: string,
): Promise<void> {
  const deadline = performance.now() + flags.timeout * 1000;
  let status = await askStatus(flags);
  while (flags.wait && !isDone(status.state, bucketsOf(status))) {
    if (performance.now() > deadline) {
      throw new AvailError(
        `${status.node} is still ${status.state} with ${
          counted(bucketsOf(status), "bucket")
        } after ${duration(flags.timeout * 1000)}; \`avail status\` shows why`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    status = await askStatus(flags);
  }
  const { node, state } = status;
  const buckets = bucketsOf(status);
  if (flags.json) {
    context.process.stdout.write(jsonLine({ schema: 1, node, state, buckets }));
    return;
  }
  const how = isDone(state, buckets) ? done : `${state}, ${counted(buckets, "bucket")}`;
  context.process.stdout.write(`${node}: ${how}\n`);
}

function bucketsOf({ node, members }: Status): number {
  return members.find((member) => member.name === node)?.buckets ?? 0;
}
