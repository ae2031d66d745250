/**
 * Silent deaths: a node loses its power, and its heirs' first packets are timed against the end of its
 * detection time, which the measuring process takes from the node's own last heartbeat.
 */
import type { Lab } from "../../cli/demo/lab.ts";
import { lineStream } from "../../cli/demo/line_stream.ts";
import { clientAddress, serverAddress, serverAddresses } from "../../cli/demo/topology.ts";
import type { ProbeOrder, ProbeReport } from "./probe_process.ts";

export interface Kill {
  readonly node: string;
  /** Of the slower heir; null: one did not answer in time. */
  readonly afterMs: number | null;
  readonly ownDelayMs: number;
}

const answerTimeoutMs = 10_000;
/** Time for the probe's code to be compiled, and for flows to be at their backups. */
const beforeMs = 1500;

/** Kills a node that shares all buckets with others, in a lab that is settled. */
export async function kill(lab: Lab, name: string): Promise<Kill> {
  const pairs = await pairsOf(lab, name);
  const detectionMs = lab.options.intervalMs * lab.options.multiplier;
  const inside = JSON.parse(await lab.exec("clients", ["ip", "-j", "link", "show", "inside"]));
  const victim = JSON.parse(await lab.exec(name, ["ip", "-j", "link", "show", "inside"]));
  const order: ProbeOrder = {
    pairs,
    mac: victim[0].address,
    interfaceIndex: inside[0].ifindex,
    detectionMs,
    timeoutMs: beforeMs + detectionMs + answerTimeoutMs,
  };
  const probe = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", lab.names.namespace("clients"), Deno.execPath(), "run", "-A"],
      new URL("./probe_process.ts", import.meta.url).pathname,
      JSON.stringify(order),
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let report: ProbeReport | null = null;
  let power: Promise<void> | null = null;
  for await (const line of lineStream(probe.stdout)) {
    if (line === "ready") {
      power = pause(beforeMs + Math.random() * lab.options.intervalMs)
        .then(() => lab.node(name).powerOff());
    } else if (line !== "") report = JSON.parse(line);
  }
  await power;
  if (report === null) throw new Error("the probe ended without a report");
  const { afterMs, ownDelayMs } = report;
  const known = afterMs.filter((after) => after !== null);
  const slowest = known.length === afterMs.length ? Math.max(...known) : null;
  return { node: name, afterMs: slowest, ownDelayMs };
}

/** One pair of addresses in a bucket of the node for each of its heirs. */
async function pairsOf(lab: Lab, name: string): Promise<ProbeOrder["pairs"]> {
  const { owners, backups } = await lab.node(name).status(5000);
  const heirs = new Map<string, ProbeOrder["pairs"][number]>();
  const wanted = new Set(
    owners.flatMap((owner, bucket) => owner === name ? backups[bucket].slice(0, 1) : []),
  );
  for (let i = 0; i < 100 * serverAddresses && heirs.size < wanted.size; i++) {
    const source = clientAddress(Math.floor(i / serverAddresses), 4);
    const target = serverAddress(i, 4);
    const { owner, backups } = await lab.node(name).who(source, target);
    if (owner === name && backups.length > 0 && !heirs.has(backups[0])) {
      heirs.set(backups[0], { source, target });
    }
  }
  if (heirs.size === 0) throw new Error(`${name}: no pair of addresses in its buckets`);
  return [...heirs.values()];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
