/** `avail join`: a further node of a cluster. */
import { buildCommand } from "@stricli/core";
import type { InterfaceWords } from "../lib/setup/flag_words.ts";
import type { Context } from "./context.ts";
import { interfaceFlag, readPath, type SetupFlags, setupFlags } from "./setup/flags.ts";

export interface JoinFlags extends SetupFlags {
  readonly interface?: readonly InterfaceWords[];
  readonly tokenFile?: string;
}

export const joinCommand = buildCommand<JoinFlags, string[], Context>({
  docs: {
    brief: "Set this machine up as a further node of a cluster",
    fullDescription:
      "Asks the node that made the token for the cluster's configuration, finds this machine's\n" +
      "interface for each share and link (by the network that its address is in, else by its\n" +
      "name, else by --interface; what is open is asked on a terminal), then asks for the key,\n" +
      "writes both, and starts the service. The token is used only when the key is given.\n\n" +
      "TOKEN is what `avail init` or `avail token` printed; - reads it from standard input.\n" +
      "Who lists this machine's processes can see it meanwhile: afterwards it is worth nothing.",
  },
  parameters: {
    positional: {
      kind: "array",
      parameter: { parse: String, brief: "The token, or -", placeholder: "TOKEN" },
    },
    flags: {
      tokenFile: {
        kind: "parsed",
        parse: readPath,
        optional: true,
        brief: "Read the token from a file",
        placeholder: "FILE",
      },
      interface: interfaceFlag,
      ...setupFlags,
    },
  },
  async func(flags, ...words) {
    const { runJoin } = await import("./setup/run_join.ts");
    await runJoin(this, flags, words);
  },
});
