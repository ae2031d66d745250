/** `avail drain` and `avail resume`: take a node out of the work, and put it back. */
import { buildCommand } from "@stricli/core";
import type { MemberStatus } from "../lib/control.ts";
import { AvailError } from "../lib/errors.ts";
import { askNode, clientFlags, jsonFlag, nodeFlag, type NodeFlags } from "./client.ts";
import type { Context } from "./context.ts";
import { counted, jsonLine, plain } from "./render.ts";
import { type WaitFlags, waitFlags, waitUntil } from "./wait.ts";

interface Flags extends WaitFlags, NodeFlags {
  readonly json?: boolean;
}

const flags = { ...clientFlags, node: nodeFlag, ...waitFlags, json: jsonFlag } as const;

export const drainCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Hand a node's buckets to the others",
    fullDescription:
      "Hands the buckets of this node, or of --node, to the others without losing a connection.\n" +
      "The daemon goes on running and takes none until `avail resume`.",
  },
  parameters: { flags },
  async func(flags) {
    await askNode(flags, { command: "drain" });
    const isDone = ({ state, buckets }: MemberStatus) => state === "draining" && buckets === 0;
    await finish(this, flags, isDone, "drained: it may be unplugged");
  },
});

export const resumeCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Let a node take buckets again",
    fullDescription: "Ends a drain: this node, or --node, takes its part of the buckets again.",
  },
  parameters: { flags },
  async func(flags) {
    await askNode(flags, { command: "resume" });
    await finish(this, flags, ({ state }) => state === "ready", "ready for buckets");
  },
});

/** Waits as the flags say, then tells how it stands. */
async function finish(
  context: Context,
  flags: Flags,
  isDone: (member: MemberStatus) => boolean,
  done: string,
): Promise<void> {
  let member: MemberStatus | undefined;
  await waitUntil(context, flags, (status) => {
    const name = flags.node ?? status.node;
    member = status.members.find((member) => member.name === name && member.alive);
    if (member === undefined) {
      throw new AvailError(`${name} is not heard any more; \`avail status\` shows who is`);
    }
    // What a node says of itself is newer than what its peers were told.
    if (name === status.node) member = { ...member, state: status.state };
    if (isDone(member)) return null;
    const reason = name === status.node ? status.reason : member.reason;
    return `${name} is still ${member.state} with ${counted(member.buckets, "bucket")}` +
      (reason === undefined ? "" : ` (${reason})`);
  });
  const { name, state, buckets } = member!;
  if (flags.json) {
    context.process.stdout.write(jsonLine({ schema: 1, node: name, state, buckets }));
    return;
  }
  const how = isDone(member!) ? done : `${state}, ${counted(buckets, "bucket")}`;
  context.process.stdout.write(`${plain(name)}: ${how}\n`);
}
