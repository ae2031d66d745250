/** What the daemon itself says of the cluster: who is there, who agrees, and whether it is safe. */
import type { KeysStatus } from "../control_keys.ts";
import { agreement, conflict, sealing } from "./agreement.ts";
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import { otherMembers, type Setup } from "./setup.ts";
import { streams } from "./streams.ts";
import { counted, list } from "./words.ts";

export interface ClusterFacts {
  /** What this node's daemon says of keys; null: it was not asked, or is older. */
  readonly keys: Pick<KeysStatus, "sends" | "keys" | "peers"> | null;
  /** Replication ports of live nodes without a stream that were tried from here. */
  readonly tried: readonly TriedPort[];
}

export interface TriedPort {
  readonly node: string;
  /** `10.0.0.2:9478` */
  readonly place: string;
  readonly result: "open" | "refused" | "silent" | "unreachable";
}

export const clusterGroup: Group<"cluster", ClusterFacts> = {
  name: "cluster",
  title: "Cluster",
  checks: [
    { id: "daemon", brief: "avail run is running", examine: daemon },
    { id: "members", brief: "other nodes are heard, and enough of them", examine: members },
    { id: "agreement", brief: "keys and configurations agree", examine: agreement },
    { id: "keys", brief: "all nodes seal with the same key", examine: sealing },
    { id: "conflict", brief: "no stranger has this cluster's name", examine: conflict },
    { id: "eligible", brief: "every node may own buckets", examine: eligible },
    { id: "safe", brief: "every bucket has a live backup", examine: safe },
    { id: "replication-streams", brief: "connections are replicated", examine: streams },
    { id: "versions", brief: "all nodes are of one version", examine: versions },
  ],
};

function daemon(_: ClusterFacts, { config, status, daemonProblem, service }: Setup): Outcome[] {
  if (daemonProblem !== null) {
    return [
      fail("avail run does not answer", {
        why: "a daemon that hangs loses its lease: the others have taken over, or soon will",
        remedy: "see its log; if it hangs, restart it",
        commands: [service.log, service.restart],
        evidence: daemonProblem,
      }),
    ];
  }
  if (status !== null) {
    return [fine(`avail run is ${status.state} (${status.node} in ${status.cluster})`)];
  }
  if (config === null) return [];
  return [
    warn("avail run is not running", {
      why: "this node is configured, and serves nothing; only its machine was looked at",
      remedy: "start it",
      commands: [service.start],
    }),
  ];
}

function members(_: ClusterFacts, setup: Setup): Outcome[] {
  const { config, status } = setup;
  if (config === null || status === null) return [];
  const others = otherMembers(setup);
  if (others.length === 0) {
    return [
      warn("no other node is heard", {
        why: "this node has no backup: what it does ends with it",
        remedy:
          "start the others; if they run, look for the same cluster name, the same key file, " +
          "and frames between them",
        commands: ["tcpdump -ni any udp port 9478"],
      }),
    ];
  }
  const found: Outcome[] = [];
  const { partition, nodes } = config.cluster;
  if (partition === "majority" && nodes !== null && nodes % 2 === 0) {
    found.push(note(`the cluster has an even number of nodes (${nodes})`, {
      why: 'with partition = "majority", two equal halves both stop',
      remedy: 'add or take out a node, or use partition = "serve"',
    }));
  }
  const count = others.length + 1;
  if (nodes !== null && count > nodes) {
    found.push(warn(`there are ${count} nodes, and cluster.nodes says ${nodes}`, {
      why: "a majority of too small a number is none: two parts could both serve",
      remedy: `write nodes = ${count} on all nodes`,
    }));
  }
  const names = others.map(({ name }) => name);
  return found.length > 0
    ? found
    : [fine(`${list(names)} ${names.length > 1 ? "are" : "is"} heard`)];
}

function eligible(_: ClusterFacts, { status, service }: Setup): Outcome[] {
  if (status === null) return [];
  const found = status.members.filter(({ alive }) => alive).flatMap((member) => {
    const { name, state, reason, notEligibleBecause } = member;
    if (notEligibleBecause !== undefined) {
      return [
        warn(`${name} may own no buckets: ${notEligibleBecause}`, {
          why: "it is no help when another node dies",
          remedy: "mend that; its buckets come back by themselves",
          commands: [`avail status --node ${name}`],
        }),
      ];
    }
    if (state === "draining") {
      return [
        note(`${name} is drained`, {
          why: "it takes no buckets until it is told to",
          remedy: "when the work on it is done",
          commands: [`avail resume --node ${name}`],
        }),
      ];
    }
    if (state === "ready" || state === "left") return [];
    return [
      note(`${name} is ${state}${reason === undefined ? "" : ` (${reason})`}`, {
        why: "it owns no buckets until it is ready",
        remedy: state === "syncing" ? "it takes in the others' connections; wait" : "see its log",
        commands: state === "syncing" ? [] : [service.log],
      }),
    ];
  });
  return found.length > 0 ? found : [fine("every node may own buckets")];
}

function safe(_: ClusterFacts, { status }: Setup): Outcome[] {
  if (status === null) return [];
  const found: Outcome[] = [];
  const orphans = status.owners.filter((owner) => owner === null).length;
  if (orphans > 0 && status.state !== "joining") {
    found.push(
      fail(`${counted(orphans, "bucket")} of 256 ${orphans > 1 ? "have" : "has"} no owner`, {
        why: "packets of these buckets are dropped by every node",
        remedy: "it should last for moments only: look at it again, then at the members",
        commands: ["avail status"],
      }),
    );
  }
  if (status.datapath.leaseMs === 0 && status.state === "ready") {
    found.push(fail("this node holds no lease", {
      why: "its datapath is deaf and mute: it is not heard, or was not run in time",
      remedy: "look at members and timing",
      commands: ["avail doctor members timing"],
    }));
  }
  if (found.length > 0) return found;
  if (status.safe) return [fine("every bucket has a live backup with all its connections")];
  return [
    warn("the cluster is not safe", {
      why: "connections are lost if a node dies now",
      remedy: "wait if a node has just come; else see what the status says",
      commands: ["avail status"],
      evidence: status.unsafeBecause,
    }),
  ];
}

function versions(_: ClusterFacts, { status, vitals, peers }: Setup): Outcome[] {
  if (status === null || status.members.length < 2) {
    return [];
  }
  const { protocol } = status;
  if (protocol !== undefined && protocol.inUse < protocol.version) {
    const old = status.members.filter(({ version }) => version === protocol.inUse)
      .map(({ name }) => name);
    return [
      note(`${list(old)} ${old.length > 1 ? "speak" : "speaks"} an older protocol`, {
        why: "until all are upgraded, the cluster uses what the oldest node understands",
        remedy: "finish the upgrade, one node after the other",
        evidence: `version ${protocol.inUse}, this node ${protocol.version}`,
      }),
    ];
  }
  const known = [vitals, ...peers.map((peer) => peer.vitals)].filter((each) => each !== null);
  if (new Set(known.map(({ version }) => version)).size < 2) {
    return [fine("all nodes are of one version")];
  }
  return [
    note("the nodes run different versions of avail", {
      why: "they work together; what is new in one may lack on the others",
      remedy: "finish the upgrade, one node after the other",
      evidence: known.map(({ node, version }) => `${node} ${version}`).join(", "),
    }),
  ];
}
