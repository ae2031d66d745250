/** `avail key`: which keys the nodes seal and open with, and another one without an outage. */
import { buildCommand, buildRouteMap } from "@stricli/core";
import type { KeysRequest, KeysStatus } from "../lib/control_keys.ts";
import {
  ask,
  askNode,
  type ClientFlags,
  clientFlags,
  jsonFlag,
  nodeFlag,
  type NodeFlags,
} from "./client.ts";
import type { Context } from "./context.ts";
import { readWhole } from "./inputs.ts";
import { jsonLine, plain, table } from "./render.ts";

interface Flags extends NodeFlags {
  readonly json?: boolean;
}

interface RotateFlags extends ClientFlags {
  readonly force?: boolean;
  readonly json?: boolean;
}

const flags = { ...clientFlags, node: nodeFlag, json: jsonFlag } as const;
const idParameter = {
  kind: "tuple",
  parameters: [{
    parse: (text: string) => readWhole(text, 255, "a key's id"),
    brief: "The key's id",
    placeholder: "ID",
  }],
} as const;

const showCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Show the keys of a node by their ids, and what its peers send with",
    fullDescription:
      "Shows the ids of the keys that a node opens with, the one that it sends with, and the\n" +
      "key of what each live peer sent last. CHECK is derived from a key: equal keys, equal\n" +
      "checks. No key is ever shown.",
  },
  parameters: { flags },
  async func(flags) {
    await perform(this, flags, { command: "keys", do: "show" });
  },
});

const addCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Make a new key for one node, that it opens with and does not send with",
    fullDescription:
      "Makes a key and appends it to the node's key file. The other nodes do not have it:\n" +
      "copy the file to them (avail key reload there), or let `avail key rotate` do it all.",
  },
  parameters: { flags },
  async func(flags) {
    await perform(this, flags, { command: "keys", do: "add" });
  },
});

const useCommand = buildCommand<Flags, [number], Context>({
  docs: {
    brief: "Send with another key from now on",
    fullDescription:
      "Puts the key before all others in the node's key file and sends with it. Nodes that\n" +
      "do not have it stop hearing this one: look at `avail key show` on each of them before.",
  },
  parameters: { flags, positional: idParameter },
  async func(flags, id) {
    await perform(this, flags, { command: "keys", do: "use", id });
  },
});

const dropCommand = buildCommand<Flags, [number], Context>({
  docs: {
    brief: "Forget a key",
    fullDescription:
      "Takes a key out of the node's key file. Refused while the node or a live peer sends\n" +
      "with it.",
  },
  parameters: { flags, positional: idParameter },
  async func(flags, id) {
    await perform(this, flags, { command: "keys", do: "drop", id });
  },
});

const reloadCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Read the key file again, as SIGHUP does",
    fullDescription:
      "Has the node read its key file again, after it was changed by hand. The seed must be\n" +
      "the same.",
  },
  parameters: { flags },
  async func(flags) {
    await perform(this, flags, { command: "keys", do: "reload" });
  },
});

const rotateCommand = buildCommand<RotateFlags, [], Context>({
  docs: {
    brief: "Give the whole cluster a new key, without an outage",
    fullDescription:
      "Makes a key, gives it to all live nodes, has all of them use it, and drops the old\n" +
      "ones. It stops at the first failure, at which no node lacks a key that is in use; run\n" +
      "again, it goes on from there. The seed, and with it where packets go, never changes.\n" +
      "Whoever has the old key and can change what the nodes send could learn the new one on\n" +
      "its way: where that is feared, copy a new file by hand (avail key reload, use, drop).",
  },
  parameters: {
    flags: {
      ...clientFlags,
      force: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Also where nodes are away, which then keep the old key",
      },
      json: jsonFlag,
    },
  },
  async func(flags) {
    const { rotateKeys } = await import("../lib/key_rotation.ts");
    const { node: self } = await ask<KeysStatus>(flags, { command: "keys", do: "show" });
    const rotation = await rotateKeys({
      ask: (node, request) => askNode<KeysStatus>({ ...flags, node }, request),
      pause: () => new Promise((resolve) => setTimeout(resolve, lookEveryMs)),
      told: (step) => {
        if (!flags.json) this.process.stdout.write(`${plain(step)}\n`);
      },
    }, { self, force: flags.force ?? false });
    if (flags.json) return this.process.stdout.write(jsonLine({ schema: 1, ...rotation }));
    this.process.stdout.write(
      `key ${rotation.key} is the only one on ${rotation.nodes.map(plain).join(", ")}\n`,
    );
    for (const name of rotation.away) {
      this.process.stdout.write(`${plain(name)} was away: copy the key file to it\n`);
    }
  },
});

/** A rotation's look at the nodes, until all hear the new key. */
const lookEveryMs = 200;

export const keyRoutes = buildRouteMap({
  routes: {
    show: showCommand,
    rotate: rotateCommand,
    add: addCommand,
    use: useCommand,
    drop: dropCommand,
    reload: reloadCommand,
  },
  docs: {
    brief: "Show and change the keys that the nodes seal with",
    fullDescription: "Shows and changes the keys that the nodes seal with.\n" +
      "The key file's first key sends; all of them open. No command shows a key.",
  },
});

/** Has the node do it, and shows how its keys stand then. */
async function perform(context: Context, flags: Flags, request: KeysRequest): Promise<void> {
  tell(context, flags, await askNode<KeysStatus>(flags, request));
}

function tell(context: Context, { json }: Flags, status: KeysStatus): void {
  if (json) return void context.process.stdout.write(jsonLine(status));
  const { node, file, sends, keys, peers, away } = status;
  const lines = [
    `${plain(node)}: ${plain(file)}`,
    "",
    ...table(
      [{ title: "KEY", align: "right" }, { title: "CHECK" }, { title: "USE" }],
      keys.map(({ id, check }) => [
        String(id),
        check,
        id === sends ? "sends and opens" : "opens",
      ]),
      context.style,
    ),
    "",
    ...(peers.length === 0 ? ["no live peers"] : table(
      [{ title: "PEER" }, { title: "SENDS WITH" }],
      peers.map(({ name, keyId }) => [
        plain(name),
        keyId === null ? "not known yet" : `key ${keyId}`,
      ]),
      context.style,
    )),
    ...(away.length > 0 ? ["", `away: ${away.map(plain).join(", ")}`] : []),
  ];
  context.process.stdout.write(
    lines.map((line) => line === "" ? "" : ` ${line}`).join("\n") + "\n",
  );
}
