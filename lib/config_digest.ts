/** What must agree on all nodes, in 64 bits: a node that differs is given no buckets. */
import { createHash } from "node:crypto";
import type { Config } from "./config.ts";
import { toHex } from "./wire/cursor.ts";
import { derive, type KeyRing } from "./wire/keys.ts";

/**
 * 16 hexadecimal digits over the shares (without their interfaces' names, which may differ), the
 * multiplier, the number of backups, whether flows are replicated, the partition rule and the seed.
 */
export function configDigest(config: Config, keys: KeyRing): string {
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
  };
  return toHex(createHash("sha256").update(JSON.stringify(common)).digest().subarray(0, 8));
}
