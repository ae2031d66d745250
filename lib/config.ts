/**
 * The configuration as the program uses it: complete, checked, durations in milliseconds.
 * The file that it comes from is described in docs/operating.md.
 */

/** What of a packet decides its bucket (kmod/bucket.h). */
export type KeyKind = "source" | "pair" | "inside" | "flow";

/** An address with its prefix length, in canonical text. */
export interface AddressPrefix {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
}

/** A dedicated path for heartbeats and replication. */
export interface LinkConfig {
  readonly interface: string;
  /** null: the interface's first address. */
  readonly address: string | null;
}

/** One interface with shared addresses. */
export interface ShareConfig {
  readonly interface: string;
  readonly addresses: readonly AddressPrefix[];
  readonly key: KeyKind;
  /** Which side of the cluster this share is on; only with key "inside". */
  readonly side: "inside" | "outside" | null;
  /** Whether this share's first IPv4 address is a NAT address. */
  readonly nat: boolean;
  /** "auto": derived from the cluster's seed; "unicast"; or a MAC such as 03:00:5e:00:00:01. */
  readonly mac: string;
}

/** What has to work for a node to own buckets. */
export interface CheckConfig {
  readonly name: string;
  readonly probe: CheckProbe;
  readonly intervalMs: number;
  /** At most the interval. */
  readonly timeoutMs: number;
  /** Successes in a row that make it good, failures in a row that make it bad. */
  readonly rise: number;
  readonly fall: number;
  /** While it fails, the node's weight is multiplied by this; 0: it may own no buckets. */
  readonly weight: number;
}

export type CheckProbe =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | {
    readonly kind: "http";
    readonly host: string;
    readonly port: number;
    /** With its leading slash. */
    readonly path: string;
    /** The status that is right. */
    readonly status: number;
  }
  | { readonly kind: "command"; readonly argv: readonly string[] };

export interface Config {
  /** The file it was read from. */
  readonly file: string;
  readonly cluster: {
    readonly name: string;
    readonly keyFile: string;
    readonly partition: "serve" | "majority";
    /** How many nodes the cluster has, what a majority is of; null: not told. */
    readonly nodes: number | null;
    /** The rules of nftables must agree, too. */
    readonly ruleset: boolean;
  };
  readonly node: {
    readonly name: string;
    readonly weight: number;
    /** How long a planned move waits for a bucket's open connections to end; 0: not at all. */
    readonly drainTimeoutMs: number;
  };
  readonly links: readonly LinkConfig[];
  readonly shares: readonly ShareConfig[];
  readonly checks: readonly CheckConfig[];
  readonly detection: {
    readonly intervalMs: number;
    readonly multiplier: number;
    /** Half-life of the penalty for failures (membership/damping.ts); 0: nobody is damped. */
    readonly flapHalfLifeMs: number;
  };
  readonly replication: {
    /** How many backups each bucket has; "all": every other node. */
    readonly backups: number | "all";
    /** TCP port of the replication streams, on the link addresses. */
    readonly port: number;
    /** false: flows are not replicated (the negative control of the tests and the demo). */
    readonly enabled: boolean;
  };
  readonly datapath: {
    readonly backend: "auto" | "clusterdev" | "xdp" | "clusterip";
    readonly markMask: number;
  };
  readonly control: { readonly socket: string };
  readonly metrics: { readonly listen: string | "off" };
}
