/** `avail init`: the first node of a cluster. */
import { buildCommand } from "@stricli/core";
import type { LinkWords, ShareWords } from "../lib/setup/flag_words.ts";
import type { Context } from "./context.ts";
import {
  expiresFlag,
  linkFlag,
  type SetupFlags,
  setupFlags,
  shareFlag,
  usesFlag,
} from "./setup/flags.ts";

export interface InitFlags extends SetupFlags {
  readonly cluster?: string;
  readonly share?: readonly ShareWords[];
  readonly link?: readonly LinkWords[];
  readonly partition?: string;
  readonly nodes?: string;
  readonly interval?: string;
  readonly backups?: string;
  readonly backend?: string;
  readonly newKey?: boolean;
  readonly uses: number;
  readonly expires: number;
}

const text = { kind: "parsed", parse: String, optional: true } as const;

export const initCommand = buildCommand<InitFlags, [], Context>({
  docs: {
    brief: "Set up the first node of a cluster",
    fullDescription:
      "Writes a configuration and the cluster's key, starts the service, and prints the line by\n" +
      "which the next node joins. What is not told by flags is asked on a terminal.\n\n" +
      "  avail init --cluster edge --share eth0=192.0.2.1/24 --share eth1=10.1.0.1/16 --link eth2\n\n" +
      "A share's words: addresses with their prefix lengths, key=pair|source|flow|inside,\n" +
      "side=inside|outside (with key=inside), nat, mac=auto|unicast|MAC; with commas between.",
  },
  parameters: {
    flags: {
      cluster: { ...text, brief: "The cluster's name", placeholder: "NAME" },
      share: shareFlag,
      link: linkFlag,
      ...setupFlags,
      partition: {
        ...text,
        brief: "What the parts of a cut cluster do: serve (default), or majority",
        placeholder: "serve|majority",
      },
      nodes: { ...text, brief: "How many nodes there will be, for majority", placeholder: "N" },
      interval: { ...text, brief: "Between heartbeats [100ms]", placeholder: "TIME" },
      backups: { ...text, brief: "Nodes that hold each connection [1]", placeholder: "N|all" },
      backend: {
        ...text,
        brief: "The datapath [auto]",
        placeholder: "auto|clusterdev|xdp|clusterip",
      },
      newKey: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "With --force: make a new key, too, which shuts the other nodes out",
      },
      uses: usesFlag,
      expires: expiresFlag,
    },
  },
  async func(flags) {
    const { runInit } = await import("./setup/run_init.ts");
    await runInit(this, flags);
  },
});
