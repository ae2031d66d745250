/**
 * The control socket: one JSON object a line, each way. The shapes here are contracts that scripts
 * rely on: fields are added, never changed or removed.
 */

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
  /** 32 hexadecimal digits. */
  readonly incarnation: string;
  /** Whether it is heard now. */
  readonly alive: boolean;
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
  };
  /** Datagrams of others that changed nothing, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** `avail who SRC DST … --json`. */
export interface Who {
  readonly bucket: number;
  readonly owner: string | null;
  readonly backups: readonly string[];
}

export type ControlRequest =
  | { readonly command: "status" }
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
  }
  | { readonly command: "drain" }
  | { readonly command: "resume" };

export type ControlReply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: string };
