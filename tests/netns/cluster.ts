/** What the tests of a whole cluster share: a lab that is always removed, and waits with deadlines. */
import { type ClusterLook, lookAt, unsettled } from "../../cli/demo/cluster_look.ts";
import { Lab, type LabOptions } from "../../cli/demo/lab.ts";
import type { Status } from "../../lib/control.ts";

/** These machines are shared: what takes a second elsewhere may take ten here. */
export const patienceMs = 60_000;
export const everybody = ["fw1", "fw2", "fw3"] as const;

/** Builds a lab, runs the test in it, and removes it whatever happens; a failure shows the logs. */
export async function inLab(
  options: Partial<LabOptions>,
  test: (lab: Lab) => Promise<void>,
): Promise<void> {
  const lab = await Lab.create(options);
  try {
    await test(lab);
  } catch (error) {
    for (const node of lab.nodes) {
      console.error(`--- ${node.name}\n${(await node.log(25)).join("\n")}`);
    }
    throw error;
  } finally {
    await lab.remove();
  }
}

/** Waits until these nodes share all buckets evenly and, unless told otherwise, everything is safe. */
export async function settled(
  lab: Lab,
  owners: readonly string[] = everybody,
  safe = true,
): Promise<ClusterLook> {
  let look: ClusterLook = [];
  await lab.waitUntil(`${owners.join(", ")} share all buckets`, async () => {
    look = await lookAt(lab);
    return unsettled(look, { owners, safe });
  }, { timeoutMs: patienceMs, everyMs: 50 });
  return look;
}

export async function started(lab: Lab): Promise<void> {
  await lab.startNodes();
  await settled(lab, lab.nodes.map((node) => node.name), lab.options.replication);
}

/** Waits until a node's status fulfils a condition; the status then. */
export async function statusWhere(
  lab: Lab,
  name: string,
  what: string,
  condition: (status: Status) => boolean,
): Promise<Status> {
  let status: Status | null = null;
  await lab.waitUntil(`${name}: ${what}`, async () => {
    status = await lab.node(name).status().catch(() => null);
    if (status === null) return "it does not answer";
    return condition(status) ? null : describe(status);
  }, { timeoutMs: patienceMs, everyMs: 50 });
  return status!;
}

function describe({ state, reason, safe, unsafeBecause, members }: Status): string {
  const those = members.map((member) => `${member.name} ${member.state} ${member.buckets}`);
  return `${state} (${reason ?? ""}), safe ${safe} (${unsafeBecause ?? ""}); ${those.join(", ")}`;
}

export function ownedBy(status: Status, name: string): number {
  return status.owners.filter((owner) => owner === name).length;
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
