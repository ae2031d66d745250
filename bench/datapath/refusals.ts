/**
 * How others refuse the frames of other nodes: the rules of an address that two nodes share, as this
 * node has them for a frame that is not its own.
 *
 * The rules can match no frame at all, so that every frame is refused, whatever its source. They are
 * looked at all the same: the kernel cannot know it.
 */
import type { Family } from "./report.ts";

export interface Refusal {
  readonly name: string;
  /** The commands to run in the receiver's namespace. */
  rules(receiver: string, address: string, family: Family): readonly (readonly string[])[];
}

const nodes = 2;
const seed = 3735928559;

/** At the device's ingress hook: the least that nftables can do. */
export const nftIngress: Refusal = {
  name: "nft jhash, netdev ingress",
  rules: (receiver, address, family) => [
    ["nft", "add table netdev bench"],
    [
      "nft",
      `add chain netdev bench ingress { type filter hook ingress device ${receiver} priority 0; }`,
    ],
    ["nft", `add rule netdev bench ingress ${ownRule(address, family)}`],
    ["nft", `add rule netdev bench ingress ${ip(family)} daddr ${address} drop`],
  ],
};

/** As the resource agent IPaddr2 of Pacemaker sets up a cluster address with nftables. */
export const nftPrerouting: Refusal = {
  name: "nft jhash, prerouting (IPaddr2)",
  rules: (receiver, address, family) => {
    const table = `${ip(family)} bench`;
    const mine = `iif ${receiver} ${ownRule(address, family)}`;
    return [
      ["nft", `add table ${table}`],
      ["nft", `add chain ${table} prerouting { type filter hook prerouting priority mangle; }`],
      ["nft", `add rule ${table} prerouting ${mine}`],
      ["nft", `add rule ${table} prerouting iif ${receiver} ${ip(family)} daddr ${address} drop`],
    ];
  },
};

/** As IPaddr2 does with iptables. The match looks at the connection, so it brings conntrack along. */
export const xtCluster: Refusal = {
  name: "xt_cluster, mangle/PREROUTING",
  rules: (receiver, address, family) => {
    const rule = [
      family === 4 ? "iptables-legacy" : "ip6tables-legacy",
      ...["-t", "mangle", "-A", "PREROUTING", "-d", address, "-i", receiver],
    ];
    const match = ["-m", "cluster", "--cluster-total-nodes", String(nodes)]
      .concat("--cluster-hash-seed", String(seed), "!", "--cluster-local-nodemask", "3");
    return [[...rule, ...match, "-j", "ACCEPT"], [...rule, "-j", "DROP"]];
  },
};

/** The hash is 1 or 2 here; 0 is nobody's. */
function ownRule(address: string, family: Family): string {
  const hash = `jhash ${ip(family)} saddr mod ${nodes} seed ${seed} offset 1`;
  return `${ip(family)} daddr ${address} ${hash} == 0 meta pkttype set host accept`;
}

function ip(family: Family): string {
  return family === 4 ? "ip" : "ip6";
}
