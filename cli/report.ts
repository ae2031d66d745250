/** `avail report`: everything that whoever looks for a fault will ask for, in one file. */
import { buildCommand } from "@stricli/core";
import { AvailError, exitCodes } from "../lib/errors.ts";
import type { Packed } from "../lib/report/pack.ts";
import { type ClientFlags, clientFlags, jsonFlag } from "./client.ts";
import type { Context, Style } from "./context.ts";
import { Progress } from "./progress.ts";
import { counted, jsonLine, paint, plain, wrap } from "./render.ts";

interface Flags extends ClientFlags {
  readonly output?: string;
  readonly json?: boolean;
}

export const reportCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Gather everything for a bug report in one file, without secrets",
    fullDescription:
      "Writes an archive (tar.gz, mode 0600): status and events of all nodes, the configuration,\n" +
      "avail doctor, the log, and what the kernel tells of links, routes, rules and connections.\n" +
      "Keys are taken out, in whatever way they are written, and whatever looks like a password.\n" +
      "Addresses, names and firewall rules are in it: look through it before you hand it on.\n" +
      "Works without a running daemon, and changes nothing.",
  },
  parameters: {
    flags: {
      ...clientFlags,
      output: {
        kind: "parsed",
        parse: readOutput,
        optional: true,
        brief: "The file to write, or - [avail-report-NODE-TIME.tar.gz, here]",
        placeholder: "FILE",
      },
      json: jsonFlag,
    },
    aliases: { o: "output" },
  },
  async func(flags) {
    const { gatherReport } = await import("./report_parts.ts");
    const { gzip, requireFree, writeNewFile } = await import("../lib/host/report/write.ts");
    const { packReport } = await import("../lib/report/pack.ts");
    const isPiped = flags.output === "-";
    if (isPiped) refusePipe(flags);
    else if (flags.output !== undefined) await requireFree(flags.output);
    const time = new Date();
    const { node, parts, secrets } = await gather(this, () => gatherReport(flags));
    const folder = `avail-report-${node}-${stampOf(time)}`;
    const packed = packReport({
      folder,
      parts,
      secrets,
      madeAt: time.toISOString(),
      madeAtSeconds: time.getTime() / 1000,
    });
    const archive = await gzip(packed.tar);
    const file = flags.output ?? `${folder}.tar.gz`;
    if (isPiped) await writeAll(archive);
    else await writeNewFile(file, archive);
    const written = { file, bytes: archive.length };
    if (flags.json) {
      const { parts, removed } = packed;
      this.process.stdout.write(jsonLine({ schema: 1, ...written, removed, parts }));
      return;
    }
    const summary = summaryOf(written, packed, this.style);
    (isPiped ? this.process.stderr : this.process.stdout).write(summary);
  },
});

async function gather<T>(context: Context, work: () => AsyncGenerator<string, T>): Promise<T> {
  using progress = new Progress(context);
  const steps = work();
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
    progress.show(value);
  }
}

function readOutput(text: string): string {
  if (text === "") throw new Error("write a file's name, or - for standard output");
  return text;
}

function refusePipe({ json }: Flags): void {
  const problem = json
    ? "--json and the archive cannot both go to standard output"
    : Deno.stdout.isTerminal()
    ? "standard output is a terminal"
    : null;
  if (problem === null) return;
  throw new AvailError(`report: ${problem}; name a file with --output`, {
    exitCode: exitCodes.usage,
  });
}

/** `20260131-140501`, in UTC. */
function stampOf(time: Date): string {
  return time.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

/** What was written, what is in it, and what is not. */
function summaryOf(
  { file, bytes }: { readonly file: string; readonly bytes: number },
  { parts, removed }: Packed,
  style: Style,
): string {
  const there = parts.filter(({ bytes }) => bytes > 0);
  const groups = Object.entries(Object.groupBy(there, ({ name }) => name.split("/")[0]))
    .map(([group, files]) => files!.length > 1 ? `${group} (${files!.length})` : group);
  const missing = parts.flatMap(({ name, bytes, problem }) =>
    bytes > 0 || problem === null ? [] : [`${name}: ${problem}`]
  );
  const where = file === "-" ? "standard output" : file;
  const columns = 78;
  return [
    `${paint(plain(where), "bold", style)}: ${kibibytes(bytes)}${
      file === "-" ? "" : ", readable by you alone (mode 0600)"
    }`,
    "",
    ...wrap(`in it: ${groups.join(", ")}`, columns, "  "),
    ...(missing.length === 0 ? [] : ["", ...missing.map((line) => `  not in it: ${plain(line)}`)]),
    "",
    `${
      removed === 0
        ? "No secrets were found"
        : `Secrets were taken out at ${counted(removed, "place")}`
    }. Addresses, names and rules are in it:`,
    `look through it before you hand it on. CONTENTS.txt in it lists what there is.`,
    "",
  ].join("\n");
}

function kibibytes(bytes: number): string {
  return bytes < 1024 * 1024
    ? `${Math.ceil(bytes / 1024)} KiB`
    : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
