/**
 * What the daemon's two threads say to each other. To the core's thread it is JSON over a socket
 * pair, which that thread polls beside its packet sockets; from it, the Worker's own messages.
 */
import type { Status } from "../control.ts";
import type { ForwardingEffect } from "../forwarding/forwarding.ts";
import type { CoreEvent, Input, NodeOptions, Snapshot } from "../node_types.ts";
import { BucketSet } from "../ownership/bucket_set.ts";
import type { Millis, ReleaseOrder, ReplicationOrders } from "../ports.ts";
import type { SettingsEffect } from "../reload/settings.ts";
import type { KeyRing } from "../wire/keys.ts";
import type { ProbeTarget } from "./address_probe.ts";
import type { SteeringReference } from "./datapath.ts";
import type { InterfaceSlots } from "./heartbeat_links.ts";

/** Everything that the core's thread needs to start. */
export interface ThreadStart {
  /** `adopted`, as text: a map does not survive the way. */
  readonly options: Omit<NodeOptions, "adopted" | "clockStepMs">;
  readonly adopted: { readonly responsibility: string; readonly leaseUntil: number } | null;
  readonly clusterName: string;
  readonly keys: KeyRing;
  readonly interfaces: InterfaceSlots;
  readonly probes: readonly ProbeTarget[];
  /** How this thread opens its Steering. */
  readonly steering: SteeringReference;
  /** This thread's end of the socket pair. */
  readonly commandFd: number;
}

/** To the core's thread. */
export type ThreadCommand =
  | { readonly kind: "input"; readonly input: Input }
  | { readonly kind: "snapshot"; readonly id: number }
  /** Speak over these interfaces from now on. */
  | { readonly kind: "interfaces"; readonly interfaces: InterfaceSlots }
  /** Use these keys from now on (a key file's text), and tell the key of each start that is heard. */
  | { readonly kind: "keys"; readonly id: number; readonly keys: string | null };

/** From the core's thread. */
export type ThreadReport =
  | { readonly kind: "started"; readonly scheduling: string }
  | { readonly kind: "orders"; readonly orders: string }
  /** `offAt`: by then the frames of its buckets were off. */
  | { readonly kind: "release"; readonly order: string; readonly offAt: Millis }
  | { readonly kind: "event"; readonly event: CoreEvent }
  /** The interface has its carrier again. */
  | { readonly kind: "carrier"; readonly interfaceIndex: number }
  | Exclude<ForwardingEffect, { kind: "send" }>
  | SettingsEffect
  | {
    readonly kind: "snapshot";
    readonly id: number;
    readonly snapshot: Snapshot;
    readonly datagrams: Required<Status>["datagrams"];
  }
  | {
    readonly kind: "keys";
    readonly id: number;
    /** By incarnation. */
    readonly heard: Readonly<Record<string, number>>;
  }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: string };

/** JSON in which a bucket set is `{"buckets": "64 hexadecimal digits"}`, and bytes are `{"bytes": …}`. */
export function toJson(value: ThreadCommand | ReplicationOrders | ReleaseOrder): string {
  return JSON.stringify(
    value,
    (_, item) =>
      item instanceof BucketSet
        ? { buckets: item.toHex() }
        : item instanceof Uint8Array
        ? { bytes: item.toHex() }
        : item,
  );
}

export function commandFromJson(text: string): ThreadCommand {
  return JSON.parse(text, (key, item) => reviveBytes(reviveBuckets(key, item)));
}

export function ordersFromJson(text: string): ReplicationOrders {
  return JSON.parse(text, reviveBuckets);
}

export function releaseFromJson(text: string): ReleaseOrder {
  return JSON.parse(text, reviveBuckets);
}

function reviveBuckets(_: string, item: unknown): unknown {
  const hex = item !== null && typeof item === "object" && Object.keys(item).length === 1 &&
    "buckets" in item && item.buckets;
  return typeof hex === "string" ? BucketSet.fromHex(hex) : item;
}

function reviveBytes(item: unknown): unknown {
  const hex = item !== null && typeof item === "object" && Object.keys(item).length === 1 &&
    "bytes" in item && item.bytes;
  return typeof hex === "string" ? Uint8Array.fromHex(hex) : item;
}
