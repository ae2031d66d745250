/** What must agree on all nodes, in 64 bits: a node that differs is given no buckets. */
import { createHash } from "node:crypto";
import type { ClusteripSetup } from "./clusterip/match.ts";
import type { Config } from "./config.ts";
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
