/** What all nodes of a lab say of the cluster at one moment, and whether they agree. */
import type { Status } from "../../lib/control.ts";
import type { Lab } from "./lab.ts";
import type { NodePower } from "./lab_node.ts";

export interface NodeLook {
  readonly name: string;
  readonly power: NodePower;
  /** null where it is not running, or does not answer. */
  readonly status: Status | null;
}

export type ClusterLook = readonly NodeLook[];

/** Asks every node whose daemon runs; one that does not answer within `timeoutMs` has no status. */
export async function lookAt(lab: Lab, timeoutMs = 1000): Promise<ClusterLook> {
  return await Promise.all(lab.nodes.map(async (node) => {
    const { name, power } = node;
    if (power !== "running") return { name, power, status: null };
    return { name, power, status: await node.status(timeoutMs).catch(() => null) };
  }));
}

export interface Settled {
  /** Exactly these nodes own buckets, evenly. */
  readonly owners: readonly string[];
  /** Every node says `safe`. */
  readonly safe: boolean;
}

/** null when all running nodes agree on the state wanted; else what is missing, in words. */
export function unsettled(look: ClusterLook, wanted: Settled): string | null {
  const running = look.filter((node) => node.power === "running");
  for (const { name, status } of running) {
    if (status === null) return `${name} does not answer`;
    if (wanted.owners.includes(name) && status.state !== "ready") {
      return `${name} is ${status.state}${
        status.reason === undefined ? "" : ` (${status.reason})`
      }`;
    }
  }
  const statuses = running.map((node) => node.status!);
  for (const name of wanted.owners) {
    if (!statuses.some((status) => status.node === name)) return `${name} does not run`;
  }
  const [first, ...others] = statuses;
  const different = others.find((status) => !sameOwners(status, first));
  if (different !== undefined) {
    return `${first.node} and ${different.node} do not agree on the owners yet`;
  }
  const counts = bucketCounts(first);
  const foreign = Object.keys(counts).filter((name) => !wanted.owners.includes(name));
  if (foreign.length > 0) {
    const those = foreign.map((name) => `${counts[name]} buckets belong to ${name}`);
    return `${those.join(", ").replace("belong to null", "have no owner")}`;
  }
  const held = wanted.owners.map((name) => counts[name] ?? 0);
  if (Math.max(...held) - Math.min(...held) > 1) {
    return `buckets are uneven: ${wanted.owners.map((name, i) => `${name} ${held[i]}`).join(", ")}`;
  }
  const unsafe = wanted.safe ? statuses.find((status) => !status.safe) : undefined;
  if (unsafe === undefined) return null;
  return `${unsafe.node} is not safe yet${unsafe.unsafeBecause ? `: ${unsafe.unsafeBecause}` : ""}`;
}

/** How many buckets each owner has; "null": those without. */
export function bucketCounts(status: Status): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const owner of status.owners) counts[`${owner}`] = (counts[`${owner}`] ?? 0) + 1;
  return counts;
}

/** Buckets per node as those that answer see them; the newest epoch counts. */
export function bucketsOf(look: ClusterLook): Record<string, number> {
  const newest = look.reduce<Status | null>(
    (best, { status }) => status !== null && status.epoch > (best?.epoch ?? -1) ? status : best,
    null,
  );
  const counts = newest === null ? {} : bucketCounts(newest);
  return Object.fromEntries(look.map(({ name }) => [name, counts[name] ?? 0]));
}

function sameOwners(a: Status, b: Status): boolean {
  return a.epoch === b.epoch && a.owners.every((owner, bucket) => owner === b.owners[bucket]);
}
