/** `avail flows`: what this kernel tracks, and whose it is. */
import { buildCommand } from "@stricli/core";
import { AvailError, exitCodes } from "../lib/errors.ts";
import type { Flow } from "../lib/host/flow_listing.ts";
import { askStatus, type ClientFlags, clientFlags, jsonFlag } from "./client.ts";
import type { Context } from "./context.ts";
import { readBucket } from "./inputs.ts";
import { jsonLine, pad, paint, plain } from "./render.ts";

/** Stands where a bucket has no owner. */
const nobody = "nobody";

interface Flags extends ClientFlags {
  readonly bucket?: number;
  readonly owner?: string;
  readonly own?: boolean;
  readonly foreign?: boolean;
  readonly json?: boolean;
}

/** An entry and who answers for it. */
interface OwnedFlow extends Flow {
  readonly owner: string | null;
  /** Whether this node handles it; else it is kept for its owner. */
  readonly own: boolean;
}

export const flowsCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "List this node's connections, its own and those it holds for others",
    fullDescription: "Lists the kernel's connection table, with the bucket and owner of each.\n" +
      "Reads the configuration and its key file, and needs root.",
  },
  parameters: {
    flags: {
      ...clientFlags,
      bucket: {
        kind: "parsed",
        parse: readBucket,
        optional: true,
        brief: "Only those of one bucket",
        placeholder: "N",
      },
      owner: {
        kind: "parsed",
        parse: String,
        optional: true,
        brief: `Only those of one node, or of ${nobody}`,
        placeholder: "NAME",
      },
      own: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Only those that this node handles",
      },
      foreign: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Only those that it holds for others",
      },
      json: { ...jsonFlag, brief: "Print one JSON object a line for scripts" },
    },
  },
  async func(flags) {
    if (flags.own && flags.foreign) {
      throw wrong("--own and --foreign exclude each other; without them, both are listed");
    }
    const { node, owners, members } = await askStatus(flags);
    const names = members.map(({ name }) => name);
    if (flags.owner !== undefined && ![...names, nobody].includes(flags.owner)) {
      throw wrong(`--owner ${flags.owner}: no member has that name; there are ${names.join(", ")}`);
    }
    const { defaultConfigFile, loadConfigAndKeys } = await import("../lib/host/config_loader.ts");
    const { listFlows } = await import("../lib/host/flow_listing.ts");
    const { config, keys } = await loadConfigAndKeys(flags.config ?? defaultConfigFile);
    const lines = new Lines((text) => this.process.stdout.write(text));
    if (!flags.json) lines.add(paint(row("BUCKET", "OWNER", "", "FLOW"), "dim", this.style));
    for (const flow of listFlows(config, keys)) {
      const owner = owners[flow.bucket];
      const owned: OwnedFlow = { ...flow, owner, own: owner === node };
      if (isWanted(owned, flags)) lines.add(flags.json ? toJson(owned) : toText(owned));
    }
    lines.end();
  },
});

function wrong(what: string): AvailError {
  return new AvailError(`flows: ${what}`, { exitCode: exitCodes.usage });
}

function isWanted(flow: OwnedFlow, flags: Flags): boolean {
  return (flags.bucket === undefined || flow.bucket === flags.bucket) &&
    (flags.owner === undefined || (flow.owner ?? nobody) === flags.owner) &&
    (!flags.own || flow.own) &&
    (!flags.foreign || !flow.own);
}

function toText({ bucket, owner, own, text }: OwnedFlow): string {
  return row(String(bucket), plain(owner ?? nobody), own ? "own" : "foreign", plain(text));
}

function row(bucket: string, owner: string, whose: string, text: string): string {
  return `${pad(bucket, 6, "right")}  ${pad(owner, 12)}  ${pad(whose, 7)}  ${text}`;
}

function toJson({ bucket, owner, own, ...flow }: OwnedFlow): string {
  return jsonLine({ schema: 1, bucket, owner, own, ...flow }).trimEnd();
}

/** A million lines in a few thousand writes. */
class Lines {
  #text = "";
  constructor(readonly write: (text: string) => void) {}

  add(line: string): void {
    this.#text += line + "\n";
    if (this.#text.length > 1 << 16) this.end();
  }

  end(): void {
    if (this.#text !== "") this.write(this.#text);
    this.#text = "";
  }
}
