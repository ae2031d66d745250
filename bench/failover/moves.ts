/** Planned moves: for how long the requests of flows that move are not answered. */
import type { Lab } from "../../cli/demo/lab.ts";
import { lineStream } from "../../cli/demo/line_stream.ts";
import { clientAddress, serverAddress, serverAddresses } from "../../cli/demo/topology.ts";
import type { GapOrder, GapReport } from "./gap_process.ts";
import type { PingPair } from "./pings.ts";

export interface Gap extends GapReport {
  readonly node: string;
  readonly what: "drain" | "resume" | "nothing";
  /** How many of the flows that were watched have another owner than before. */
  readonly moved: number;
}

/** Flows that are watched at once, in different buckets; more fill the queues when the machine stands still. */
const watched = 4;
const durationMs = 4000;
/** The measuring thread's code is compiled by then, and connection tracking knows the flows. */
const beforeMs = 1500;

/** Pairs of addresses in different buckets that these nodes have. */
export async function pairsIn(
  lab: Lab,
  names: readonly string[],
): Promise<readonly PingPair[]> {
  const pairs = new Map<number, PingPair>();
  for (let i = 0; i < 100 * serverAddresses && pairs.size < watched; i++) {
    const source = clientAddress(Math.floor(i / serverAddresses), 4);
    const target = serverAddress(i, 4);
    const { owner, bucket } = await lab.nodes[0].who(source, target);
    if (owner !== null && names.includes(owner)) pairs.set(bucket, { source, target });
  }
  if (pairs.size < watched) {
    throw new Error(`${names}: too few pairs of addresses in their buckets`);
  }
  return [...pairs.values()];
}

/** Watches the pairs while `act` moves them, or nothing does. */
export async function gapWhile(
  lab: Lab,
  of: Pick<Gap, "node" | "what">,
  pairs: readonly PingPair[],
  act: () => Promise<void>,
): Promise<Gap> {
  const before = await ownersOf(lab, pairs);
  const order: GapOrder = { pairs, durationMs };
  const process = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", lab.names.namespace("clients"), Deno.execPath(), "run", "-A"],
      new URL("./gap_process.ts", import.meta.url).pathname,
      JSON.stringify(order),
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let report: GapReport | null = null;
  let acting: Promise<void> | null = null;
  for await (const line of lineStream(process.stdout)) {
    if (line === "ready") acting = pause(beforeMs).then(act);
    else if (line !== "") report = JSON.parse(line);
  }
  await acting;
  if (report === null) throw new Error("the measuring process ended without a report");
  const after = await ownersOf(lab, pairs);
  const moved = after.filter((owner, i) => owner !== before[i]).length;
  return { ...of, moved, ...report };
}

async function ownersOf(lab: Lab, pairs: readonly PingPair[]): Promise<readonly (string | null)[]> {
  const owners: (string | null)[] = [];
  for (const { source, target } of pairs) {
    owners.push((await lab.nodes[0].who(source, target)).owner);
  }
  return owners;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
