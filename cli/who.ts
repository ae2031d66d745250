/** `avail who`: which node has this connection. */
import { buildCommand } from "@stricli/core";
import type { Who } from "../lib/control.ts";
import { AvailError, exitCodes } from "../lib/errors.ts";
import { ask, type ClientFlags, clientFlags, jsonFlag } from "./client.ts";
import type { Context } from "./context.ts";
import { portFlag, readProtocol } from "./inputs.ts";
import { type Packet, packetOf, readEnd, readPacket } from "./packet_words.ts";
import { jsonLine, paint, plain } from "./render.ts";

interface Flags extends ClientFlags {
  readonly proto?: number;
  readonly sport?: number;
  readonly dport?: number;
  readonly share?: string;
  readonly json?: boolean;
}

export const whoCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: "Tell which node handles a packet, or each line of conntrack -L",
    fullDescription: "Tells the bucket of a packet, its owner and its backups. A packet is\n" +
      "  avail who SRC DST                          two addresses\n" +
      "  avail who 'SRC:PORT > DST:PORT'            TCP; IPv6 as [2001:db8::1]:443\n" +
      "  avail who 'udp SRC:PORT > DST:PORT'        or a line of tcpdump -n; mind the quotes\n" +
      'Ports count only where a share\'s key is "flow" or its address is a NAT address.\n' +
      "Without words, each line of conntrack -L or -E on standard input gets its bucket and owner\n" +
      "(this reads the configuration and its key file): conntrack -L | avail who",
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
      kind: "array",
      parameter: { parse: String, brief: "Two addresses, or a packet", placeholder: "PACKET" },
    },
  },
  async func(flags, ...words) {
    const isPiped = words.length === 0 || words.join() === "-";
    if (isPiped) {
      refuseOnTerminal(words);
      refuseFlags(flags);
      const { annotateLines } = await import("./who_lines.ts");
      return await annotateLines(this, flags);
    }
    const packet = readWords(words);
    const who = await ask<Who>(flags, {
      command: "who",
      ...packet,
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

/** The packet that the words mean; throws `AvailError` that says what is wrong with them. */
function readWords(words: readonly string[]): Packet {
  try {
    if (words.length === 1 && !/>|→/.test(words[0])) {
      const { port } = readEnd("SRC", words[0]);
      // Without quotes the shell has taken `> DST` for itself.
      const remedy = port === null
        ? "--help shows how"
        : `write it in quotes: avail who '${words[0]} > DST:PORT'`;
      throw new Error(`DST is missing; ${remedy}`);
    }
    if (words.length === 2 && !words.some((word) => />|→/.test(word))) {
      return packetOf(readEnd("SRC", words[0]), readEnd("DST", words[1]), null);
    }
    return readPacket(words.join(" "));
  } catch (error) {
    if (!(error instanceof Error) || error instanceof AvailError) throw error;
    throw new AvailError(error.message, { exitCode: exitCodes.usage, cause: error });
  }
}

function refuseOnTerminal(words: readonly string[]): void {
  if (words.length > 0 || !Deno.stdin.isTerminal()) return;
  throw new AvailError(
    "who: no packet is named; write two addresses, 'SRC:PORT > DST:PORT' in quotes, " +
      "or pipe conntrack -L into it",
    { exitCode: exitCodes.usage },
  );
}

/** What describes one packet means nothing for lines that describe theirs. */
function refuseFlags(flags: Flags): void {
  const found = (["proto", "sport", "dport", "share"] as const)
    .find((name) => flags[name] !== undefined);
  if (found === undefined) return;
  throw new AvailError(`who: --${found} without a packet; write its addresses, too`, {
    exitCode: exitCodes.usage,
  });
}
