/** What goes into the core and what comes out of it. */
import type { NodeState, Planning } from "./control.ts";
import type { ForwardingEffect, ForwardingInput } from "./forwarding/forwarding.ts";
import type { Verdict } from "./health/verdict.ts";
import type { Agreed } from "./membership/agreement.ts";
import type { Standing } from "./membership/standing.ts";
import type { BucketSet } from "./ownership/bucket_set.ts";
import type { WishedOwners } from "./ownership/wish.ts";
import type { SettingsEffect, SettingsInput } from "./reload/settings.ts";
import type { Millis, ReleaseOrder, ReplicationOrders, ReplicationReport } from "./ports.ts";

/** What the core has to know before it starts; a reload changes some of it (reload/settings.ts). */
export interface NodeOptions {
  readonly name: string;
  /** 32 hexadecimal digits, fresh random bits for each start. */
  readonly incarnation: string;
  readonly weight: number;
  readonly intervalMs: number;
  readonly multiplier: number;
  readonly partition: "serve" | "majority";
  /** How many nodes there are at most; what a majority is of. Only then is it looked at. */
  readonly nodes: number;
  readonly backups: number | "all";
  /** 16 hexadecimal digits over what must agree on all nodes. */
  readonly configDigest: string;
  /** Interfaces 0 … shares - 1 are the shares, the following ones the links. */
  readonly shares: number;
  readonly links: number;
  /** Where this node's replication port is: 4 or 16 bytes each, best first. */
  readonly addresses: readonly Uint8Array[];
  /** Step of the clock, for the guard of the lease. */
  readonly clockStepMs: number;
  /** How long to listen before taking buckets from nobody; at least three detection times are used. */
  readonly listenMs: number;
  /** How long a planned move waits for a bucket's open connections to end; 0: not at all. */
  readonly drainTimeoutMs?: number;
  /** What a former daemon's datapath still handles, under a lease that is still valid. */
  readonly adopted: { readonly responsibility: BucketSet; readonly leaseUntil: Millis } | null;
  /** Buckets move in so many whole units (ownership/units.ts); by default each for itself. */
  readonly units?: number;
  /**
   * The datapath may be on at nodes that run no daemon yet. While somebody who is heard holds buckets
   * and nobody serves, this node joins only when every bucket is held by a node that is heard.
   */
  readonly inPlace?: boolean;
  /** Half-life of the penalty for failures (membership/damping.ts); 0: nobody is damped. */
  readonly flapHalfLifeMs?: number;
  /** The version of the protocol that it speaks; by default the newest. */
  readonly version?: 1 | 2;
  /** What must agree, by topic (membership/agreement.ts): 8 hexadecimal digits each. */
  readonly topics?: readonly string[];
  /** It has checks: it counts as healthy only when they pass, and waits so long for that to join. */
  readonly verdictMs?: number;
}

export type Input =
  /** Time has passed. */
  | { readonly kind: "tick" }
  /** An authentic message of another incarnation, by interface. */
  | {
    readonly kind: "message";
    readonly incarnation: string;
    readonly interfaceIndex: number;
    readonly message: Uint8Array;
  }
  | { readonly kind: "carrier"; readonly interfaceIndex: number; readonly up: boolean }
  /** A datagram with this cluster's name that could not be opened. */
  | { readonly kind: "stranger"; readonly reason: string }
  /** Somebody answered a probe for a shared address. */
  | { readonly kind: "answered"; readonly address: string }
  | { readonly kind: "replication"; readonly report: ReplicationReport }
  | { readonly kind: "drain" }
  | { readonly kind: "resume" }
  /** The weight from now on, above 0, in thousandths. */
  | { readonly kind: "weight"; readonly weight: number }
  /** Owners that are asked for; they count where this node plans. */
  | { readonly kind: "balance"; readonly owners: WishedOwners }
  | ForwardingInput
  | HealthInput
  | SettingsInput
  /** Drain, then leave for good. */
  | { readonly kind: "leave" };

/** What the machine found out about this node. */
export type HealthInput =
  /** What its checks say now. */
  | { readonly kind: "health"; readonly verdict: Verdict }
  /** Digest of its firewall's rules, 8 hexadecimal digits; null: they cannot be read. */
  | { readonly kind: "ruleset"; readonly digest: string | null };

export type Effect =
  /** Send to everybody, on all interfaces. */
  | { readonly kind: "send"; readonly message: Uint8Array<ArrayBuffer> }
  | ForwardingEffect
  | SettingsEffect
  | { readonly kind: "responsibility"; readonly buckets: BucketSet; readonly epoch: number }
  | { readonly kind: "lease"; readonly until: Millis }
  | { readonly kind: "orders"; readonly orders: ReplicationOrders }
  | { readonly kind: "release"; readonly order: ReleaseOrder }
  /** Ask for every shared address by ARP or NS. */
  | { readonly kind: "probe" }
  | { readonly kind: "event"; readonly event: CoreEvent }
  /** The node has left: nothing more will come. */
  | { readonly kind: "stopped" };

/** Something an operator wants to know, for the log and for `avail events`. */
export interface CoreEvent {
  readonly level: "info" | "warning" | "error";
  /** A stable name, such as `peer-dead`. */
  readonly name: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** The core's state at one moment: what `avail status` is made of. */
export interface Snapshot {
  readonly name: string;
  readonly incarnation: string;
  readonly state: NodeState;
  readonly reason: string | null;
  readonly epoch: number;
  readonly weight: number;
  readonly leaseUntil: Millis;
  readonly held: string;
  readonly proven: string;
  readonly members: readonly SnapshotMember[];
  /** 256 names; null where nobody handles the bucket. */
  readonly owners: readonly (string | null)[];
  /** 256 lists of live backups. */
  readonly backups: readonly (readonly string[])[];
  /** Every bucket is held, and a live backup has acknowledged everything of it. */
  readonly safe: boolean;
  readonly unsafeBecause: string | null;
  readonly planning: Planning;
  readonly refused: Readonly<Record<string, number>>;
  /** What this node's checks say. */
  readonly health: Verdict;
  /** What this node speaks, the oldest that it understands, and the least that a live member speaks. */
  readonly protocol: { readonly version: number; readonly oldest: number; readonly inUse: number };
}

export interface SnapshotMember {
  readonly name: string;
  readonly incarnation: string;
  readonly state: NodeState;
  readonly weight: number;
  readonly buckets: number;
  /** null: this node itself. */
  readonly lastHeard: Millis | null;
  /** Interfaces on which this node should hear it and does not, by number: the shares, then the links. */
  readonly silentOn: readonly number[];
  /** Interfaces on which it should hear this node and does not. */
  readonly deafOn: readonly number[];
  /** Version of the protocol that it speaks. */
  readonly version: number;
  /** null: it does not say (version 1). */
  readonly healthy: boolean | null;
  readonly standing: Standing;
  /** It fails again and again: it gets no buckets for so long; 0: it gets some. */
  readonly dampedMs: number;
  /** What it says of what must agree. */
  readonly agreed: Agreed;
}
