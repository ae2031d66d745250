/** Whether this machine's firewall lets the cluster's own traffic through, and knows its devices. */
import type { Group } from "./check.ts";
import { fine, type Outcome, warn } from "./finding.ts";
import { flowtables, untracked } from "./bypasses.ts";
import { natRules } from "./nat.ts";
import { heartbeats, replication } from "./passage.ts";
import { anyPacket, type Ruleset } from "./rules/model.ts";
import type { Setup } from "./setup.ts";

export interface FirewallFacts {
  /** nft's and the old iptables' rules; null where they cannot be read. */
  readonly ruleset: Ruleset | null;
  /** Why not all of them can be read; null: they can. */
  readonly problem: string | null;
  /** Where the replication waits for streams. */
  readonly listens: readonly Listener[];
  /** Devices of the kernel module, in the order of the shares. */
  readonly clusterDevices: readonly string[];
}

export interface Listener {
  readonly interface: string;
  readonly address: string;
  readonly prefixLength: number;
}

export const firewallGroup: Group<"firewall", FirewallFacts> = {
  name: "firewall",
  title: "Firewall",
  checks: [
    { id: "replication-port", brief: "replication streams may come and go", examine: replication },
    { id: "heartbeat-frames", brief: "no rule stops heartbeats", examine: heartbeats },
    { id: "cluster-devices", brief: "rules know the module's devices", examine: devices },
    { id: "arp-rules", brief: "no rule stops ARP", examine: arpRules },
    {
      id: "nat-rules",
      brief: "no address translation works against the buckets",
      examine: natRules,
    },
    { id: "flowtables", brief: "no flow table bypasses the cluster", examine: flowtables },
    { id: "untracked", brief: "connections are tracked", examine: untracked },
  ],
};

function devices({ ruleset, clusterDevices }: FirewallFacts, { config }: Setup): Outcome[] {
  if (ruleset === null || config === null || clusterDevices.length === 0) return [];
  const names = ruleset.inputNames;
  const covers = (name: string) =>
    names.some((each) =>
      each === name || (each.endsWith("*") && name.startsWith(each.slice(0, -1)))
    );
  const found = config.shares.flatMap((share, i) => {
    const device = clusterDevices[i];
    if (device === undefined || !covers(share.interface) || covers(device)) return [];
    return [
      warn(`rules name ${share.interface}, and none names ${device}`, {
        why: `packets for the shared addresses come in by ${device}: rules for ` +
          `${share.interface} do not see them`,
        remedy: `name both, such as in a set: iifname { "${share.interface}", "${device}" }`,
        commands: [`nft list ruleset | grep -n '${share.interface}'`],
      }),
    ];
  });
  return found.length > 0 ? found : [fine("rules know the module's devices, or name no share")];
}

function arpRules({ ruleset }: FirewallFacts, { config }: Setup): Outcome[] {
  if (ruleset === null || config === null) return [];
  const drops = ruleset.chains.filter(({ family }) => family === "arp").some(({ base, rules }) =>
    base?.policy === "drop" ||
    rules.some((rule) => rule.judge(anyPacket).some(({ kind }) => kind === "drop"))
  );
  if (!drops) return [fine("no rule stops ARP")];
  return [
    warn("there are rules that drop ARP", {
      why: "the shared addresses are answered for by ARP; rules from an earlier cluster (LVS, " +
        "CLUSTERIP) often keep single nodes from answering",
      remedy: "see whether they are still needed",
      commands: ["nft list tables arp", "arptables -L"],
    }),
  ];
}
