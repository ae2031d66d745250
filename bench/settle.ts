/** The beginning that measurements of a lab of three nodes share. */
import { lookAt, unsettled } from "../cli/demo/cluster_look.ts";
import type { Lab } from "../cli/demo/lab.ts";

/** Starts the nodes, and waits until all share all buckets, safe. */
export async function startAndSettle(lab: Lab): Promise<void> {
  await lab.startNodes();
  const owners = lab.nodes.map(({ name }) => name);
  await lab.waitUntil(
    "all share all buckets, safe",
    async () => unsettled(await lookAt(lab), { owners, safe: true }),
    { timeoutMs: 60_000, everyMs: 100 },
  );
}
