/** `avail who`: which node has this connection. */
import { buildCommand } from "@stricli/core";
import type { Who } from "../lib/control.ts";
import { ask, type ClientFlags, clientFlags, jsonFlag } from "./client.ts";
import type { Context } from "./context.ts";
import { portFlag, readAddress, readProtocol } from "./inputs.ts";
import { jsonLine, paint, plain } from "./render.ts";

interface Flags extends ClientFlags {
  readonly proto?: number;
  readonly sport?: number;
  readonly dport?: number;
  readonly share?: string;
  readonly json?: boolean;
}

export const whoCommand = buildCommand<Flags, [string, string], Context>({
  docs: {
    brief: "Tell which node handles a packet",
    fullDescription: "Tells the bucket of a packet from SRC to DST, its owner and its backups.\n" +
      'Ports count only where a share\'s key is "flow" or its address is a NAT address.',
  },
  parameters: {
    flags: {
      ...clientFlags,
      proto: {
        kind: "parsed",
        parse: readProtocol,
        optional: true,
        brief: "Protocol: tcp, udp, icmp, … or its number",
        placeholder: "P",
      },
      sport: { ...portFlag, brief: "Source port" },
      dport: { ...portFlag, brief: "Destination port" },
      share: {
        kind: "parsed",
        parse: String,
        optional: true,
        brief: "Interface of the share that the packet enters by",
        placeholder: "IF",
      },
      json: jsonFlag,
    },
    positional: {
      kind: "tuple",
      parameters: [
        { parse: readAddress, brief: "Source address", placeholder: "SRC" },
        { parse: readAddress, brief: "Destination address", placeholder: "DST" },
      ],
    },
  },
  async func(flags, source, destination) {
    const who = await ask<Who>(flags, {
      command: "who",
      source,
      destination,
      ...(flags.proto === undefined ? {} : { protocol: flags.proto }),
      ...(flags.sport === undefined ? {} : { sourcePort: flags.sport }),
      ...(flags.dport === undefined ? {} : { destinationPort: flags.dport }),
      ...(flags.share === undefined ? {} : { share: flags.share }),
    });
    if (flags.json) {
      this.process.stdout.write(jsonLine(who));
      return;
    }
    const owner = who.owner === null ? "nobody" : paint(plain(who.owner), "bold", this.style);
    const backups = who.backups.length > 0 ? who.backups.map(plain).join(", ") : "none";
    this.process.stdout.write(`${owner}  bucket ${who.bucket}, backups: ${backups}\n`);
  },
});
