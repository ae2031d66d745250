/** What the guest's tests of whole daemons share: a cluster at an emulator's pace. */
import { type ClusterLook, lookAt, unsettled } from "../../../cli/demo/cluster_look.ts";
import type { Lab, LabOptions } from "../../../cli/demo/lab.ts";
import type { LabNode } from "../../../cli/demo/lab_node.ts";
import type { TrafficOptions } from "../../../cli/demo/traffic.ts";
import type { IntervalReport } from "../../../cli/demo/traffic_protocol.ts";

/** An emulated daemon is late by hundreds of milliseconds when its host is busy. */
export const pace: Partial<LabOptions> = { intervalMs: 1000, multiplier: 3, rtoMinMs: null };

/** Few flows at low rates: that they live is the point, and the machine is slow. */
export const flows: Partial<TrafficOptions> = {
  connections: 16,
  tcpPeriodMs: 250,
  udpFlows: 0,
  pingPeriodMs: 200,
  lastEchoTimeoutMs: 30_000,
};

/** Chooses a node's backend; before it is started. */
export async function useBackend(node: LabNode, backend: string): Promise<void> {
  const text = `\n[datapath]\nbackend = "${backend}"\n`;
  await Deno.writeTextFile(node.configFile, text, { append: true });
}

/** Waits until these nodes share all buckets evenly. Asking costs the nodes time, so not too often. */
export async function sharedBy(
  lab: Lab,
  owners: readonly string[],
  safe: boolean,
): Promise<ClusterLook> {
  let look: ClusterLook = [];
  await lab.waitUntil(`${owners.join(", ")} share all buckets`, async () => {
    look = await lookAt(lab, 10_000);
    return unsettled(look, { owners, safe });
  }, { timeoutMs: 180_000, everyMs: 500 });
  return look;
}

/** A comment that tells how long the flows of an interval were silent. */
export function tellGaps({ name, durationMs, tcp, ping, ownDelayMs }: IntervalReport): void {
  console.log(
    `# ${name}: ${durationMs} ms; longest silence TCP ${tcp.longestMs} ms, ping ${ping.longestMs} ms; ` +
      `pings lost ${ping.lost}, twice ${ping.duplicates}; the clients were late by ${ownDelayMs} ms`,
  );
}

/** Numbers and names of a node's cluster devices, such as `5: cluster0@inside`. */
export async function clusterDevices(node: LabNode): Promise<string[]> {
  const shown = await node.exec(["ip", "-o", "link", "show", "type", "clusterdev"]);
  return shown.split("\n").filter(Boolean).map((line) => line.split(": ").slice(0, 2).join(": "));
}

/** What a daemon may change on a node's machine, in words. */
export async function machineOf(node: LabNode): Promise<Record<string, string>> {
  const ip = (...words: string[]) => node.exec(["ip", "-o", ...words]);
  const pattern = "^net\\.(ipv4\\.(conf|ip_forward)|ipv6\\.conf|netfilter)";
  const settings = await node.exec(["sysctl", "-a", "--pattern", pattern]);
  return {
    links: (await ip("link", "show")).replaceAll(/ state \w+/g, ""),
    addresses: (await ip("address", "show")).replaceAll(/\d+sec/g, ""),
    routes: await ip("route", "show", "table", "all"),
    routes6: (await ip("-6", "route", "show", "table", "all")).replaceAll(/ expires \d+sec/g, ""),
    groups: (await ip("maddress", "show")).replaceAll(/users \d+/g, ""),
    settings: settings.split("\n").filter((line) => !/conntrack_count|stable_secret/.test(line))
      .join("\n"),
  };
}
