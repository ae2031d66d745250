/** A heartbeat and a plan with every field filled, for the tests of codecs and the core. */
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { PlanContent } from "../../lib/ownership/plan.ts";
import type { Heartbeat } from "../../lib/wire/heartbeat.ts";

export const incarnation = (n: number) => n.toString(16).padStart(2, "0").repeat(16);

export function heartbeat(changes: Partial<Heartbeat> = {}): Heartbeat {
  return {
    state: "ready",
    leaseHeld: true,
    forfeited: false,
    ackSoon: false,
    name: "fw2",
    sequence: 7,
    intervalMs: 100,
    weight: 1.5,
    configDigest: "0123456789abcdef",
    planEpoch: 12,
    planDigest: "fedcba9876543210",
    claimGroup: 3,
    carriers: 0b111,
    held: BucketSet.of([1, 2, 200]),
    claims: BucketSet.of([1, 2, 3, 200]),
    proven: BucketSet.of([1]),
    addresses: [new Uint8Array([10, 0, 0, 2]), new Uint8Array(16).fill(0xfd)],
    peers: [
      { incarnation: incarnation(1), sequence: 0x1_0000_0001, heardOn: 0b101 },
      { incarnation: incarnation(3), sequence: 9, heardOn: 0 },
    ],
    version: 2,
    oldest: 1,
    unfit: false,
    topics: ["00000001", "00000002", "00000003", "00000004", "00000005", "00000006"],
    ...changes,
  };
}

export function planContent(members = 3, backups = 1): PlanContent {
  return {
    epoch: 0x1_0000_0002,
    planner: "n00",
    group: members,
    members: Array.from({ length: members }, (_, i) => ({
      name: `n${String(i).padStart(2, "0")}`,
      incarnation: incarnation(i + 1),
    })),
    ranks: Array.from(
      { length: 256 },
      (_, bucket) => Array.from({ length: backups + 1 }, (_, rank) => (bucket + rank) % members),
    ),
  };
}
