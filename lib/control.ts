/**
 * The control socket: one JSON object a line, each way. The shapes here are contracts that scripts
 * rely on: fields are added, never changed or removed.
 */

import type { KeysRequest } from "./control_keys.ts";
import type { ReloadClusterRequest, ReloadRequest } from "./control_reload.ts";
import type { EventsRequest } from "./events/events_request.ts";
import type { BucketLoad } from "./ownership/load_meter.ts";
import type { PlannerInput } from "./ownership/planner.ts";

export type NodeState = "joining" | "syncing" | "ready" | "draining" | "left";

export interface MemberStatus {
  readonly name: string;
  readonly state: NodeState;
  /** Why it is in that state, where there is something to say (`conflict`, `waiting for fw1`, …). */
  readonly reason?: string;
  readonly weight: number;
  /** How many buckets it handles. */
  readonly buckets: number;
  /** Milliseconds since it was last heard; 0 for the node itself. */
  readonly lastHeardMs: number;
  /** The asked node's interfaces on which it is not heard, though on others; left out where there are none. */
  readonly silentOn?: readonly string[];
  /** Those on which it does not hear the asked node. */
  readonly deafOn?: readonly string[];
  /** 32 hexadecimal digits. */
  readonly incarnation: string;
  /** Whether it is heard now. */
  readonly alive: boolean;
  /** Version of the protocol that it speaks. */
  readonly version?: number;
  /** Whether its checks let it own buckets; left out where it does not say (version 1). */
  readonly healthy?: boolean;
  /** Whether it may own buckets. */
  readonly eligible?: boolean;
  /** Why not, where it is ready and may own none. */
  readonly notEligibleBecause?: string;
  /** In what its configuration differs from that of `differsFrom`: it is given no buckets. */
  readonly differs?: readonly string[];
  /** The nodes whose configuration counts, where it differs. */
  readonly differsFrom?: readonly string[];
  /** It fails again and again: the asked node gives it no buckets for so long, in milliseconds. */
  readonly dampedMs?: number;
}

/** One `[[check]]` of this node. */
export interface CheckStatus {
  readonly name: string;
  /** null: it has no verdict yet. */
  readonly ok: boolean | null;
  /** Milliseconds since that changed. */
  readonly sinceMs: number;
  /** What went wrong when it last failed; left out where it never has. */
  readonly lastError?: string;
  /** The node's weight is multiplied by this while it fails; 0: it may own no buckets. */
  readonly weight: number;
}

/** Datagrams by what they are, since the daemon's start. */
export interface DatagramCounts {
  readonly heartbeat: number;
  readonly plan: number;
  readonly request: number;
  readonly answer: number;
}

/** What went wrong or was put off in the replication, since the daemon's start. */
export interface ReplicationTotals {
  /** Times the kernel dropped events. */
  readonly overruns: number;
  /** Times what waited for a slow peer was dropped. */
  readonly overflows: number;
  /** Flows of peers that found no room here. */
  readonly refused: number;
  /** Flows of peers that the kernel would not have. */
  readonly failed: number;
  /** Stale entries that were removed. */
  readonly swept: number;
  /** Streams that ended or were refused. */
  readonly streamsEnded: number;
}

/** `avail status --json`. */
export interface Status {
  readonly schema: 1;
  readonly cluster: string;
  readonly node: string;
  readonly state: NodeState;
  readonly reason?: string;
  readonly epoch: number;
  /** Every bucket has a live backup that has acknowledged everything. */
  readonly safe: boolean;
  /** Why not, where `safe` is false. */
  readonly unsafeBecause?: string;
  readonly members: readonly MemberStatus[];
  /** 256 names; null where nobody owns the bucket. */
  readonly owners: readonly (string | null)[];
  /** 256 lists of names, first heir first. */
  readonly backups: readonly (readonly string[])[];
  readonly replication: {
    /** Entries of this node's own buckets in its kernel table. */
    readonly flows: number;
    /** Entries that it holds for others. */
    readonly foreign: number;
    /** Age of the oldest change that a backup has not acknowledged. */
    readonly lagMs: number;
    readonly peers: readonly {
      readonly name: string;
      readonly connected: boolean;
      readonly safe: boolean;
    }[];
    readonly totals?: ReplicationTotals;
  };
  readonly datapath: {
    readonly backend: string;
    /** Why this backend and not another. */
    readonly why: string;
    /** What this backend cannot do and others can, a sentence each; left out where there is nothing. */
    readonly weaker?: readonly string[];
    /** Milliseconds left; 0 where it has expired. */
    readonly leaseMs: number;
    readonly accepted: number;
    readonly dropped: {
      readonly notOwned: number;
      readonly leaseExpired: number;
      readonly malformed: number;
      readonly neighbour: number;
    };
    /** Frames that this node took, by bucket; null where the kernel does not count them so. */
    readonly load: BucketLoad | null;
  };
  /** Datagrams of others that changed nothing, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** What was sent (once, by however many interfaces) and what was taken. */
  readonly datagrams?: { readonly sent: DatagramCounts; readonly received: DatagramCounts };
  /** This node's checks. */
  readonly checks?: readonly CheckStatus[];
  /** What they say together: its weight is multiplied by `factor`, 0: it may own no buckets. */
  readonly health?: {
    readonly ok: boolean;
    readonly factor: number;
    readonly failing: readonly string[];
  };
  /** Versions of the protocol: what this node speaks, the oldest it understands, what is in use. */
  readonly protocol?: { readonly version: number; readonly oldest: number; readonly inUse: number };
}

/** `avail who SRC DST … --json`. */
export interface Who {
  readonly bucket: number;
  readonly owner: string | null;
  readonly backups: readonly string[];
}

/** What `avail plan` goes by. */
export interface Planning {
  /** The node that plans; null: none is ready. */
  readonly planner: string | null;
  /** What it would be asked now. */
  readonly input: PlannerInput;
}

/** What one node may have another do (`forward`), and what it may do itself. */
export type ForwardableRequest =
  | KeysRequest
  | ReloadRequest
  /** The answer is `Events` (events/event.ts). */
  | EventsRequest
  | { readonly command: "status" }
  /** The answer is `Vitals` (vitals.ts). */
  | { readonly command: "vitals" }
  | { readonly command: "drain" }
  | { readonly command: "resume" }
  /** Its share of the buckets until the daemon ends, in thousandths; above 0. */
  | { readonly command: "weight"; readonly weight: number }
  /** Asks the planner, and only that node, to let buckets (0 to 255) move to nodes, by name. */
  | {
    readonly command: "balance";
    readonly owners: Readonly<Record<string, readonly number[]>>;
  };

export const forwardableCommands: readonly string[] = [
  "status",
  "vitals",
  "drain",
  "resume",
  "weight",
  "balance",
  "keys",
  "reload",
  "events",
] satisfies readonly ForwardableRequest["command"][];

export type ControlRequest =
  | ForwardableRequest
  | ReloadClusterRequest
  /** Looks at the join tokens again; the result is a `JoinsStatus` (control_joins.ts). */
  | { readonly command: "joins" }
  /** What the planner would go by now; the result is a `Planning`. */
  | { readonly command: "planning" }
  /** Lets a live node, or this one, do it; the result is that node's. */
  | { readonly command: "forward"; readonly node: string; readonly request: ForwardableRequest }
  | {
    readonly command: "who";
    readonly source: string;
    readonly destination: string;
    /** IP protocol number. */
    readonly protocol?: number;
    readonly sourcePort?: number;
    readonly destinationPort?: number;
    /** The share's interface that the packet comes in by; the first share where it is left out. */
    readonly share?: string;
  };

export type ControlReply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: string };
