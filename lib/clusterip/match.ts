/**
 * The shared addresses of the configuration against the CLUSTERIP rules of this machine: what the
 * backend goes by, or everything that keeps it from working.
 */
import type { Config } from "../config.ts";
import type { Fault } from "../errors.ts";
import { type ClusteripService, clusteripSlotsMax } from "../ownership/clusterip_slots.ts";
import type { ClusteripRule } from "./rules.ts";

/** What all rules agree in, and each shared address. */
export interface ClusteripSetup {
  /** How many slots there are, for every address. */
  readonly totalNodes: number;
  readonly services: readonly (ClusteripService & {
    readonly interface: string;
    /** The rule's, which all nodes of the cluster have. */
    readonly mac: string;
  })[];
}

/** Why a machine has no CLUSTERIP at all, and what would be right; `release` as `uname -r` tells it. */
export function whyAbsent(release: string): string {
  const [major, minor] = release.split(".").map((part) => parseInt(part));
  const others = 'use "auto", "clusterdev" or "xdp"';
  return major > 6 || (major === 6 && minor > 2)
    ? `Linux ${release} has no CLUSTERIP (6.2 was the last); ${others}`
    : "no CLUSTERIP rule is in force (there is no /proc/net/ipt_CLUSTERIP); set up the rules of the " +
      `cluster that avail is to take over, or ${others}`;
}

/** `lines`: of each path of the file, as `keyLines` gives them. */
export function matchRules(
  config: Config,
  rules: readonly ClusteripRule[],
  lines: ReadonlyMap<string, number>,
): { readonly setup: ClusteripSetup; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const fault = (where: string, problem: string, remedy: string) => {
    faults.push({ file: config.file, line: lines.get(where) ?? 0, where, problem, remedy });
  };
  let first: ClusteripRule | null = null;
  const services = config.shares.flatMap((share, i) =>
    share.addresses.flatMap(({ address }, k) => {
      const where = `share[${i}].addresses[${k}]`;
      const own = rules.filter((rule) => rule.address === address);
      const [rule] = own;
      if (rule === undefined) {
        fault(
          where,
          `${address} has no CLUSTERIP rule in iptables (legacy)`,
          `add it: iptables-legacy -I INPUT -d ${address} -i ${share.interface} -j CLUSTERIP --new ` +
            "--hashmode sourceip --clustermac MAC --total-nodes N --local-node K",
        );
        return [];
      }
      if (own.length > 1) {
        const tables = own.map(({ table }) => table).join(", ");
        fault(where, `${address} has ${own.length} CLUSTERIP rules (in ${tables})`, "keep one");
      }
      if (rule.hashMode !== "sourceip") {
        fault(
          where,
          `the rule for ${address} has --hashmode ${rule.hashMode}`,
          "only sourceip can be replicated by slots: change the rule, on all nodes",
        );
      }
      if (rule.interface !== share.interface) {
        fault(
          where,
          `the rule for ${address} has -i ${rule.interface}`,
          `the share is on ${share.interface}: correct one of the two`,
        );
      }
      if (rule.totalNodes < 1 || rule.totalNodes > clusteripSlotsMax) {
        fault(
          where,
          `the rule for ${address} has --total-nodes ${rule.totalNodes}`,
          `use 1 to ${clusteripSlotsMax}`,
        );
      }
      first ??= rule;
      if (rule.totalNodes !== first.totalNodes) {
        fault(
          where,
          `the rule for ${address} has --total-nodes ${rule.totalNodes}, ` +
            `that for ${first.address} ${first.totalNodes}`,
          "use the same number for all addresses",
        );
      }
      if (share.mac !== "auto" && share.mac !== rule.mac) {
        fault(
          `share[${i}].mac`,
          `"${share.mac}" is not the rule's for ${address}`,
          `write "${rule.mac}", or "auto"`,
        );
      }
      return [{ address, hashInit: rule.hashInit, interface: rule.interface, mac: rule.mac }];
    })
  );
  const { totalNodes } = first ?? { totalNodes: 0 };
  return { setup: { totalNodes, services }, faults };
}
