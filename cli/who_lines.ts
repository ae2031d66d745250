/** `conntrack -L | avail who`: each line of conntrack with the bucket and the owner of its flow. */
import type { Status } from "../lib/control.ts";
import { askStatus, type ClientFlags } from "./client.ts";
import { readConntrackLine } from "./conntrack_line.ts";
import type { Context } from "./context.ts";
import type { Packet } from "./packet_words.ts";
import { jsonLine, pad, paint, plain } from "./render.ts";

/** Whose a bucket is changes; a stream that lasts asks again. */
const statusMsMax = 2000;
const lineLengthMax = 65536;

type BucketOf = (packet: Packet) => number | null;

/** Reads standard input to its end; prints as it comes, so that `conntrack -E` can be followed. */
export async function annotateLines(
  { process, style }: Context,
  flags: ClientFlags & { readonly json?: boolean },
): Promise<void> {
  const bucketOf = await bucketsOf(flags);
  let status = await askStatus(flags), askedAt = performance.now();
  if (!flags.json) {
    process.stdout.write(`${paint(row("BUCKET", "OWNER", "", "FLOW"), "dim", style)}\n`);
  }
  for await (const lines of standardInputLines()) {
    if (performance.now() - askedAt > statusMsMax) {
      status = await askStatus(flags);
      askedAt = performance.now();
    }
    process.stdout.write(
      lines.map((line) =>
        flags.json ? toJson(line, status, bucketOf) : toText(line, status, bucketOf)
      ).join(""),
    );
  }
}

/** Computed here: a question to the daemon for each of a million lines would keep it from its work. */
async function bucketsOf(flags: ClientFlags): Promise<BucketOf> {
  const { defaultConfigFile, loadConfigAndKeys } = await import("../lib/host/config_loader.ts");
  const { flowBuckets } = await import("../lib/host/flow_listing.ts");
  const { config, keys } = await loadConfigAndKeys(flags.config ?? defaultConfigFile);
  const buckets = flowBuckets(config, keys);
  return (packet) => buckets.bucketOf(packet);
}

/** A line's flow, and whose it is; all null where it tells of no flow. */
function judge(line: string, { owners, backups }: Status, bucketOf: BucketOf) {
  const packet = readConntrackLine(line);
  const bucket = packet && bucketOf(packet);
  return {
    packet,
    bucket,
    owner: bucket === null ? null : owners[bucket],
    backups: bucket === null ? [] : backups[bucket],
  };
}

function toText(line: string, status: Status, bucketOf: BucketOf): string {
  const { bucket, owner } = judge(line, status, bucketOf);
  const text = plain(line);
  if (bucket === null) return `${row("-", "-", "", text)}\n`;
  const whose = owner === status.node ? "own" : "foreign";
  return `${row(String(bucket), plain(owner ?? "nobody"), whose, text)}\n`;
}

function toJson(line: string, status: Status, bucketOf: BucketOf): string {
  const { packet, bucket, owner, backups } = judge(line, status, bucketOf);
  const own = owner === status.node;
  return jsonLine({ schema: 1, bucket, owner, own, backups, ...packet, line });
}

function row(bucket: string, owner: string, whose: string, text: string): string {
  return `${pad(bucket, 6, "right")}  ${pad(owner, 12)}  ${pad(whose, 7)}  ${text}`;
}

/** The whole lines of each piece of standard input that comes. */
async function* standardInputLines(): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of Deno.stdin.readable) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!.slice(0, lineLengthMax);
    if (lines.length > 0) yield lines;
  }
  if (rest !== "") yield [rest];
}
