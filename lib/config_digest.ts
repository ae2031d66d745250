/** What must agree on all nodes, as digests: a node that differs is given no buckets. */
import { createHash } from "node:crypto";
import type { ClusteripSetup } from "./clusterip/match.ts";
import type { Config } from "./config.ts";
import { type topics, untold } from "./membership/agreement.ts";
import { toHex } from "./wire/cursor.ts";
import { derive, type KeyRing } from "./wire/keys.ts";

/**
 * 16 hexadecimal digits over the shares (without their interfaces' names, which may differ), the
 * multiplier, the number of backups, whether flows are replicated, the partition rule and the seed.
 * With `clusterip`, whose nodes hash as its rules say, these rules as well: such a node agrees with no
 * node of another backend.
 */
export function configDigest(
  config: Config,
  keys: KeyRing,
  clusterip: ClusteripSetup | null = null,
): string {
  const common = {
    shares: config.shares.map(({ addresses, key, side, nat, mac }) => ({
      addresses: addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
      key,
      side,
      nat,
      mac,
    })),
    multiplier: config.detection.multiplier,
    backups: config.replication.backups,
    replication: config.replication.enabled,
    partition: config.cluster.partition,
    ...(config.cluster.nodes === null ? {} : { nodes: config.cluster.nodes }),
    seed: toHex(derive(keys.seed, "config digest")),
    ...(clusterip === null ? {} : {
      clusterip: {
        totalNodes: clusterip.totalNodes,
        rules: clusterip.services.map(({ address, hashInit, mac }) => [address, hashInit, mac]),
      },
    }),
  };
  return toHex(createHash("sha256").update(JSON.stringify(common)).digest().subarray(0, 8));
}

/**
 * The same by topic, 8 hexadecimal digits each, in the order of `topics`: so that a node which differs
 * can be told in what. The ruleset is not known from the configuration.
 */
export function configTopics(
  config: Config,
  keys: KeyRing,
  clusterip: ClusteripSetup | null = null,
): string[] {
  const { shares, cluster, detection, replication, datapath } = config;
  const contents: Readonly<Record<typeof topics[number], unknown>> = {
    shares: shares.map(({ addresses, key, side, mac }) => [
      addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
      ...[key, side, mac],
    ]),
    seed: toHex(derive(keys.seed, "config digest")),
    nat: [
      shares.map(({ nat }) => nat),
      shares.some(({ nat }) => nat) ? datapath.markMask : null,
    ],
    settings: [
      detection.multiplier,
      replication.backups,
      replication.enabled,
      cluster.partition,
      ...(cluster.nodes === null ? [] : [cluster.nodes]),
    ],
    datapath: clusterip === null ? null : [
      clusterip.totalNodes,
      clusterip.services.map(({ address, hashInit, mac }) => [address, hashInit, mac]),
    ],
    ruleset: undefined,
  };
  return Object.values(contents).map((content) =>
    content === undefined ? untold : shortDigest(content)
  );
}

/** Four bytes, never all of them zero: that means untold. */
function shortDigest(content: unknown): string {
  const digest = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 8);
  return digest === untold ? "00000001" : digest;
}
