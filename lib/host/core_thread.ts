/** The core's thread as the rest of the daemon sees it. */
import { AF_UNIX, close, send, SOCK_CLOEXEC, SOCK_SEQPACKET, socketPair } from "../../ffi/libc.ts";
import type { Status } from "../control.ts";
import type { ForwardingEffect } from "../forwarding/forwarding.ts";
import type { CoreEvent, Input, Snapshot } from "../node_types.ts";
import type { Millis, ReleaseOrder, ReplicationOrders } from "../ports.ts";
import type { SettingsEffect } from "../reload/settings.ts";
import { formatKeyFile, type KeyRing } from "../wire/keys.ts";
import { carriedWorker } from "./program_files.ts";
import type { InterfaceSlots } from "./heartbeat_links.ts";
import {
  ordersFromJson,
  releaseFromJson,
  type ThreadReport,
  type ThreadStart,
  toJson,
} from "./thread_messages.ts";

export interface CoreThreadEvents {
  /** It runs, with what the machine allowed it: real time, nice or normal. */
  started(scheduling: string): void;
  orders(orders: ReplicationOrders): void;
  /** `offAt`: by then the frames of its buckets were off. */
  release(order: ReleaseOrder, offAt: Millis): void;
  event(event: CoreEvent): void;
  /** An interface has its carrier again. */
  carrier(interfaceIndex: number): void;
  /** Another node asks for something; an `executed` input must follow. */
  execute(order: Extract<ForwardingEffect, { kind: "execute" }>): void;
  /** Reloaded settings are in use. */
  configured(effect: SettingsEffect): void;
}

/** The core's state, and what its thread has counted. */
export type ThreadSnapshot = Snapshot & Pick<Required<Status>, "datagrams">;

type Outcome = Extract<ForwardingEffect, { kind: "forwarded" }>["outcome"];

export class CoreThread {
  readonly #worker: Worker;
  readonly #fds: readonly [number, number];
  readonly #snapshots = new Map<number, (snapshot: ThreadSnapshot) => void>();
  readonly #keys = new Map<number, (heard: Readonly<Record<string, number>>) => void>();
  readonly #events: CoreThreadEvents;
  #nextSnapshot = 0;
  readonly #forwarded = new Map<number, (outcome: Outcome) => void>();
  #nextForward = 1;
  #ended = false;
  /** Settles when the core has left, and rejects when its thread failed. */
  readonly done: Promise<void>;

  constructor(start: Omit<ThreadStart, "commandFd">, events: CoreThreadEvents) {
    this.#events = events;
    this.#fds = socketPair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC);
    const worker = carriedWorker("core_worker") ?? new URL("./core_worker.ts", import.meta.url);
    this.#worker = new Worker(worker, { type: "module" });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#worker.onmessage = ({ data }: MessageEvent<ThreadReport>) => {
      if (data.kind === "stopped") resolve();
      else if (data.kind === "failed") reject(new Error(`the core's thread failed: ${data.error}`));
      else this.#take(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`the core's thread failed: ${event.message}`));
    };
    this.#worker.postMessage({ ...start, commandFd: this.#fds[1] } satisfies ThreadStart);
  }

  input(input: Input): void {
    this.#command(toJson({ kind: "input", input }));
  }

  /** Has it speak over these interfaces from now on. */
  useInterfaces(interfaces: InterfaceSlots): void {
    this.#command(toJson({ kind: "interfaces", interfaces }));
  }

  snapshot(): Promise<ThreadSnapshot> {
    const id = this.#nextSnapshot++;
    const { promise, resolve } = Promise.withResolvers<ThreadSnapshot>();
    this.#snapshots.set(id, resolve);
    this.#command(toJson({ kind: "snapshot", id }));
    return promise;
  }

  /**
   * Has it use these keys from now on, or null: those that it has; the id of the key of what each start
   * of a node sent last, by incarnation.
   */
  keys(ring: KeyRing | null): Promise<Readonly<Record<string, number>>> {
    const id = this.#nextSnapshot++;
    const { promise, resolve } = Promise.withResolvers<Readonly<Record<string, number>>>();
    this.#keys.set(id, resolve);
    this.#command(toJson({ kind: "keys", id, keys: ring && formatKeyFile(ring) }));
    return promise;
  }

  /** Has another node answer a request; its answer, or why there is none. */
  forward(node: string, request: string): Promise<Outcome> {
    const id = this.#nextForward++;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#forwarded.set(id, resolve);
    this.input({ kind: "forward", id, node, request });
    return promise;
  }

  close(): void {
    this.#ended = true;
    this.#worker.terminate();
    for (const fd of this.#fds) close(fd);
  }

  #command(json: string): void {
    if (!this.#ended) send(this.#fds[0], new TextEncoder().encode(json));
  }

  #take(report: Exclude<ThreadReport, { kind: "stopped" | "failed" }>): void {
    switch (report.kind) {
      case "started":
        return this.#events.started(report.scheduling);
      case "orders":
        return this.#events.orders(ordersFromJson(report.orders));
      case "release":
        return this.#events.release(releaseFromJson(report.order), report.offAt);
      case "event":
        return this.#events.event(report.event);
      case "carrier":
        return this.#events.carrier(report.interfaceIndex);
      case "execute":
        return this.#events.execute(report);
      case "configured":
        return this.#events.configured(report);
      case "forwarded":
        this.#forwarded.get(report.id)?.(report.outcome);
        this.#forwarded.delete(report.id);
        return;
      case "keys":
        this.#keys.get(report.id)?.(report.heard);
        this.#keys.delete(report.id);
        return;
      case "snapshot":
        this.#snapshots.get(report.id)?.({ ...report.snapshot, datagrams: report.datagrams });
        this.#snapshots.delete(report.id);
        return;
    }
  }
}
