/** The shape of tests/vectors/bucket.json, and how its configurations become keys. */

import type { KeyKind } from "../../lib/config.ts";
import { BucketHash, type BucketSeed } from "../../lib/ownership/bucket.ts";
import type { BucketVerdict, FrameKey } from "../../lib/ownership/bucket_of_frame.ts";
import { ip } from "./frames.ts";

export interface VectorConfig {
  readonly seed: BucketSeed;
  readonly key: KeyKind;
  readonly side: "inside" | "outside" | null;
  readonly nat: string | null;
  /** Prefixes such as 10.0.0.0/8. */
  readonly inside: readonly string[];
}

export interface BucketVector {
  readonly name: string;
  readonly config: VectorConfig;
  /** Hexadecimal. */
  readonly frame: string;
  /** The bytes that are hashed, hexadecimal; null: none. */
  readonly hashed: string | null;
  readonly expected: BucketVerdict;
}

export function frameKey(config: VectorConfig): FrameKey {
  return {
    hash: new BucketHash(config.seed),
    key: config.key,
    side: config.side,
    natAddress: config.nat === null ? null : Uint8Array.from(ip(config.nat)),
    insidePrefixes: config.inside.map((text) => {
      const [address, length] = text.split("/");
      return { bytes: Uint8Array.from(ip(address)), prefixLength: Number(length) };
    }),
  };
}
