/**
 * What every datapath backend is given, and what it gives: one description for clusterdev, xdp and
 * clusterip. Which of them a node uses is chosen in attach_datapath.ts.
 */
import type { ClusteripSetup } from "../clusterip/match.ts";
import type { AddressPrefix, KeyKind } from "../config.ts";
import type { BucketCounters, Steering, SteeringCounters, SteeringState } from "../ports.ts";
import { type ClusteripReference, openClusteripSteering } from "./clusterip_steering.ts";
import { openStatePage } from "./state_page.ts";

/** One share, as the datapath needs it. */
export interface DatapathShare {
  readonly interface: string;
  readonly addresses: readonly AddressPrefix[];
  readonly key: KeyKind;
  readonly side: "inside" | "outside" | null;
  /** Whether the first IPv4 address is a NAT address. */
  readonly nat: boolean;
  /** The cluster MAC, 6 bytes. */
  readonly mac: Uint8Array;
  /** The IPv4 group that the MAC stands for, or null for a MAC of the administrator's choice. */
  readonly group: string | null;
}

export interface DatapathOptions {
  /** For undo.json and, where /sys/fs/bpf cannot be used, the pins. */
  readonly runDir: string;
  readonly shares: readonly DatapathShare[];
  /** bucketSeed() of lib/wire/keys.ts. */
  readonly seed: readonly [low: number, high: number];
  /** Nine adjacent bits of the packet mark for valid and bucket; null: marks are left alone. */
  readonly markMask: number | null;
  /** What the rules say; only with the clusterip backend. */
  readonly clusterip?: ClusteripSetup | null;
}

export type Backend = "clusterdev" | "xdp" | "clusterip";

/**
 * How the core's thread opens its Steering; it survives the way between threads.
 * `page`: a descriptor of this process, whose first page is a struct avail_state.
 */
export type SteeringReference =
  | { readonly kind: "page"; readonly fd: number }
  | ClusteripReference;

export interface DatapathAttachment {
  readonly backend: Backend;
  readonly steering: SteeringReference;
  /** What a datapath that outlived another daemon does now; null: it starts with nothing. */
  readonly adopted: SteeringState | null;
  /** How frames come in, by the share's interface, in a word or two for the log. */
  readonly modes: ReadonlyMap<string, string>;
  /** On which interface the addresses of a share are, by its interface, where they are not on that. */
  readonly devices?: ReadonlyMap<string, string>;
  /** What this backend cannot do and others can, a sentence each. */
  readonly weaker?: readonly string[];
  counters(): SteeringCounters;
  /** null where the kernel does not count by bucket. */
  bucketCounters(): BucketCounters | null;
  /** Leaves the datapath in place for the next daemon; it stops by itself when its lease runs out. */
  keep(): void;
  /** Removes all that was attached and added, and puts settings back. */
  detach(): void;
}

/** Opens what the backend refers to; throws `SystemError`. */
export function openSteering(reference: SteeringReference): Steering {
  switch (reference.kind) {
    case "page":
      return openStatePage(reference.fd);
    case "clusterip":
      return openClusteripSteering(reference);
  }
}
