/**
 * The seams between the core and the machine. Each port has few verbs and says what it guarantees;
 * `lib/host/` has them on Linux, `tests/` has them in memory.
 *
 * Times are milliseconds of CLOCK_BOOTTIME with a fraction, everywhere: it is the one clock that the
 * datapath's lease, the heartbeats and the logs share, and it does not stand still in a suspend.
 */
import type { BucketSet } from "./ownership/bucket_set.ts";

/** Milliseconds of CLOCK_BOOTTIME. */
export type Millis = number;

// ---- datapath

/** Frames by what the datapath did with them, since it was attached. */
export interface SteeringCounters {
  /** Frames for the shared addresses that this node took. */
  readonly accepted: number;
  readonly dropped: {
    /** Another node's bucket. */
    readonly notOwned: number;
    /** The lease had run out. */
    readonly leaseExpired: number;
    /** Could not be parsed, or too many headers. */
    readonly malformed: number;
    /** ARP and NDP: another node answers, or a peer's probe or announcement. */
    readonly neighbour: number;
  };
}

/**
 * What was taken of each bucket since the datapath's state was made: 256 numbers each. Received
 * frames as the datapath sees them (several that were merged on receipt are one), with their headers.
 */
export interface BucketCounters {
  readonly packets: readonly number[];
  readonly bytes: readonly number[];
}

/** What the kernel's part of the datapath goes by. */
export interface SteeringState {
  readonly responsibility: BucketSet;
  readonly leaseUntil: Millis;
  /** The plan that the responsibility comes from; 0 before any. */
  readonly epoch: number;
}

/**
 * What decides in the kernel which frames this node handles. Its verbs are cheap (a store or two in
 * shared memory) and are called from the core's thread.
 */
export interface Steering {
  /**
   * Replaces the responsibility by one atomic switch: no frame sees a mixture. `epoch` is that of the
   * plan; the kernel only shows it.
   */
  setResponsibility(buckets: BucketSet, epoch: number): void;
  /** The datapath is deaf and mute from `until` on; 0 stops it at once. */
  setLease(until: Millis): void;
  /**
   * Only where the kernel itself knows no lease: the core's loop calls it at each turn, before anything
   * else, and the datapath is deaf and mute by then if `now` is past the lease. While the loop does not
   * run, nothing is guaranteed. Cheap where nothing has expired.
   */
  expire?(now: Millis): void;
  /** What the kernel holds now, for a daemon that adopts a datapath which outlived another. */
  current(): SteeringState;
}

// ---- replication: orders from the core, reports to it

/** Another node, as far as replication is concerned. */
export interface ReplicationPeer {
  readonly name: string;
  /** 32 hexadecimal digits; another incarnation is another peer. */
  readonly incarnation: string;
  /** Where its replication port can be reached, best first. */
  readonly addresses: readonly string[];
  /** Those of this node's claimed buckets whose flows this peer must hold. */
  readonly holds: BucketSet;
}

/** What the replication has to do now; each order replaces the one before. */
export interface ReplicationOrders {
  readonly epoch: number;
  /** Buckets whose flows belong to this node: their events are sent to the peers that hold them. */
  readonly claims: BucketSet;
  /** Buckets whose entries may stay in this kernel; those of the others are removed. */
  readonly keeps: BucketSet;
  /** Live peers; streams to any other are closed. */
  readonly peers: readonly ReplicationPeer[];
  /** Whether to tell, again and again, which claims are `busy`. */
  readonly tellBusy: boolean;
}

/**
 * Hand `buckets` over to `to`: their frames are off since `packetsOffAt`. Read the kernel's events to
 * their end, send what is missing, then RELEASE on the same stream.
 */
export interface ReleaseOrder {
  readonly to: string;
  readonly buckets: BucketSet;
  readonly epoch: number;
}

export type ReplicationReport =
  /** `proven`: of the buckets that `peer` must hold, those of which it has acknowledged everything. */
  | {
    readonly kind: "proven";
    readonly peer: string;
    readonly incarnation: string;
    readonly proven: BucketSet;
  }
  /** Of the claims, those with open connections of services on this node, just now. */
  | { readonly kind: "busy"; readonly buckets: BucketSet }
  /** `peer` has sent all flows of all its claims, and they are in this kernel. */
  | { readonly kind: "bulkReceived"; readonly peer: string; readonly incarnation: string }
  /** RELEASE came from `peer`, behind everything that it had to say of these buckets. */
  | {
    readonly kind: "released";
    readonly peer: string;
    readonly incarnation: string;
    readonly buckets: BucketSet;
    readonly epoch: number;
  }
  /** A release order ended: `peer` has acknowledged it, or the stream broke first. */
  | {
    readonly kind: "releaseDone";
    readonly peer: string;
    readonly buckets: BucketSet;
    readonly epoch: number;
    readonly acknowledged: boolean;
  };
