/** Whether connections get to the other nodes, and what is in their way. */
import type { ClusterFacts, TriedPort } from "./cluster.ts";
import { fail, fine, type Outcome, warn } from "./finding.ts";
import { otherMembers, type Setup } from "./setup.ts";

export function streams({ tried }: ClusterFacts, setup: Setup): Outcome[] {
  const { config, status } = setup;
  if (config === null || status === null) return [];
  if (!config.replication.enabled) {
    return [
      warn("connections are not replicated (replication.enabled = false)", {
        why: "those of a node die with it; the setting is for tests",
        remedy: "set replication.enabled = true on all nodes",
      }),
    ];
  }
  const live = otherMembers(setup).map(({ name }) => name);
  const without = status.replication.peers.filter(({ name, connected }) =>
    !connected && live.includes(name)
  ).map(({ name }) => name);
  if (without.length === 0) {
    return live.length > 0 ? [fine("this node replicates to every other")] : [];
  }
  return without.map((name) => {
    const of = tried.filter(({ node }) => node === name);
    const blocked = of.some(({ result }) => result === "silent");
    const closed = of.length > 0 && of.every(({ result }) => result === "refused");
    return fail(`there is no replication stream with ${name}, although it is heard`, {
      why: "its connections and ours are lost if either node dies; " +
        "heartbeats pass below the firewall, the streams do not",
      remedy: blocked
        ? `a firewall between here and ${name} drops the port: open it on both`
        : closed
        ? `nothing listens there, or a firewall rejects: see the log of avail run on ${name}`
        : "open the replication's port in the firewalls of both nodes, and look at their logs",
      commands: [openCommand(config.replication.port), setup.service.log],
      evidence: of.map(({ place, result }) => `${place}: ${words[result]}`).join("; ") || undefined,
    });
  });
}

const words: Readonly<Record<TriedPort["result"], string>> = {
  open: "open from here",
  refused: "refused",
  silent: "no answer",
  unreachable: "not reachable",
};

/** Table and chain are the administrator's; this is how Debian's own example names them. */
export function openCommand(port: number): string {
  return `nft insert rule inet filter input tcp dport ${port} accept`;
}
