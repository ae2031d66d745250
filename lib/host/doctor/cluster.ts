/** Whether the others' replication ports can be reached from here, where no stream came about. */
import type { ClusterFacts, TriedPort } from "../../doctor/cluster.ts";
import { otherMembers } from "../../doctor/setup.ts";
import type { Gathered } from "./setup.ts";

const connectMsMax = 1500;

export async function clusterFacts(setup: Gathered): Promise<ClusterFacts> {
  return { keys: setup.keysStatus, tried: await tryPorts(setup) };
}

async function tryPorts(setup: Gathered): Promise<TriedPort[]> {
  const { config, status, peers } = setup;
  if (config === null || status === null || !config.replication.enabled) return [];
  const live = otherMembers(setup).map(({ name }) => name);
  const without = status.replication.peers.filter(({ name, connected }) =>
    !connected && live.includes(name)
  );
  const tries = without.flatMap(({ name }) => {
    const replication = peers.find((peer) => peer.name === name)?.vitals?.replication;
    return replication?.addresses.map((address) => tryPort(name, address, replication.port)) ?? [];
  });
  return await Promise.all(tries);
}

/** Connects, and hangs up: the other side takes it for a stream that says nothing. */
async function tryPort(node: string, hostname: string, port: number): Promise<TriedPort> {
  const place = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  const signal = AbortSignal.timeout(connectMsMax);
  try {
    (await Deno.connect({ hostname, port, signal })).close();
    return { node, place, result: "open" };
  } catch (error) {
    if (signal.aborted) return { node, place, result: "silent" };
    const isRefused = error instanceof Deno.errors.ConnectionRefused;
    return { node, place, result: isRefused ? "refused" : "unreachable" };
  }
}
