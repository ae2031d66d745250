/** Whether the nodes have the same keys and configuration, and nobody else has them. */
import type { ClusterFacts } from "./cluster.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import type { Setup } from "./setup.ts";
import { list } from "./words.ts";

/** Where each topic of the configuration is to be looked for. */
const places: Readonly<Record<string, string>> = {
  shares: "the shares (addresses, key, side, mac)",
  seed: "the seed of the key file",
  nat: "nat or mark_mask",
  settings: "multiplier, backups, replication.enabled or partition",
  datapath: "the CLUSTERIP rules",
  ruleset: "the nft ruleset",
  configuration: "the configuration",
};

export function agreement(_: ClusterFacts, { status }: Setup): Outcome[] {
  if (status === null || status.members.length < 2) return [];
  const found = status.members.flatMap(({ name, differs = [], differsFrom = [] }) => {
    if (differs.length === 0) return [];
    return [
      fail(`${name} differs from ${list(differsFrom)}`, {
        why: "nodes with different configurations would take different packets for theirs: " +
          `${name} keeps what it has and is given nothing`,
        remedy: `compare ${
          list(differs.map((topic) => places[topic] ?? topic))
        }, make them equal, ` +
          "and restart avail run there",
        commands: differs.includes("seed") ? ["avail key show"] : ["avail status --json"],
        evidence: `differs in ${list(differs)}`,
      }),
    ];
  });
  return found.length > 0 ? found : [fine("keys and configurations agree")];
}

export function sealing({ keys }: ClusterFacts, { status }: Setup): Outcome[] {
  if (keys === null || status === null) return [];
  const others = keys.peers.filter(({ keyId }) => keyId !== null && keyId !== keys.sends);
  if (others.length > 0) {
    return [
      warn(`${list(others.map(({ name }) => name))} and this node seal with different keys`, {
        why: "a rotation of the key has stopped half-way: the old key, which it should replace, " +
          "is still in use",
        remedy: "go on with it, while all nodes are up",
        commands: ["avail key rotate"],
        evidence: [{ name: status.node, keyId: keys.sends }, ...others]
          .map(({ name, keyId }) => `${name} key ${keyId}`).join(", "),
      }),
    ];
  }
  if (keys.keys.length > 1) {
    return [
      note(`there are ${keys.keys.length} keys in the key file`, {
        why: "old keys are accepted until they are dropped: whoever has one is still let in",
        remedy: "when all nodes seal with the new one, drop the others",
        commands: keys.keys.filter(({ id }) => id !== keys.sends)
          .map(({ id }) => `avail key drop ${id}`),
      }),
    ];
  }
  return [fine("all nodes seal with the same key")];
}

/** Reasons that tell of another key (lib/wire/seal.ts, lib/host/heartbeat_intake.ts). */
const strange: readonly string[] = ["unknown key", "not authentic", "wrong tag"];
const strangeMin = 10;

export function conflict(_: ClusterFacts, { status }: Setup): Outcome[] {
  if (status === null) return [];
  if (status.state === "joining" && /conflict/.test(status.reason ?? "")) {
    return [
      fail("this node does not join: somebody else has its cluster's name or address", {
        why: "heartbeats of this cluster's name cannot be opened (another key), or a shared " +
          "address is answered for by somebody who is not heard",
        remedy: "copy the cluster's key file to this node, or choose another cluster.name",
        commands: ["avail key show", "avail doctor duplicates"],
        evidence: status.reason,
      }),
    ];
  }
  const refused = Object.entries(status.refused)
    .filter(([reason, n]) => strange.includes(reason) && n >= strangeMin);
  if (refused.length === 0) return [fine("nobody else uses this cluster's name")];
  return [
    warn("datagrams with this cluster's name cannot be opened", {
      why: "a node with another key is in this network, or somebody forges heartbeats; " +
        "they change nothing",
      remedy: "find the sender",
      commands: ["tcpdump -neli any udp port 9478"],
      evidence: refused.map(([reason, n]) => `${reason}: ${n}`).join(", "),
    }),
  ];
}
