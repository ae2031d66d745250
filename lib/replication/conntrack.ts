/**
 * The port to a kernel's connection tracking table. `lib/host/conntrack.ts` has it on Linux,
 * `tests/replication/memory_conntrack.ts` in memory.
 */
import type { EventKind } from "../netlink/ctnetlink.ts";
import { FlowRecord } from "../netlink/flow_record.ts";

export type Operation =
  /** The flow has just begun: what is there under its tuple is another, older flow. */
  | "create"
  /** The flow as it is: create it or change it, whichever is needed. */
  | "put"
  /** As `put`, where the entry most likely exists. */
  | "update"
  /** Change it where it exists; where not, it is refused (there is no room for more). */
  | "change"
  /** Create it where it does not exist; what exists is newer. */
  | "add"
  /** Set its timeout, nothing else. */
  | "timeout"
  | "delete";

/** Operations gathered for one call, in records that are used again and again. */
export class Batch {
  readonly #operations: Operation[] = [];
  readonly #flows: FlowRecord[] = [];
  #length = 0;

  constructor(readonly capacity: number) {}

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === this.capacity;
  }

  /** Adds an operation; fill the record that it returns. */
  add(operation: Operation): FlowRecord {
    const flow = this.#flows[this.#length] ??= new FlowRecord();
    this.#operations[this.#length++] = operation;
    return flow;
  }

  /** Makes another operation of the newest. */
  replaceOperation(operation: Operation): void {
    this.#operations[this.#length - 1] = operation;
  }

  /** Takes the newest operation back. */
  undo(): void {
    this.#length--;
  }

  operation(i: number): Operation {
    return this.#operations[i];
  }

  flow(i: number): FlowRecord {
    return this.#flows[i];
  }

  clear(): void {
    this.#length = 0;
  }
}

/** Operations that one call carries: enough to make the system call cheap, few enough to stay short. */
export const batchMax = 128;

export interface InjectResult {
  /** Entries that are missing for want of room. */
  readonly refused: number;
  /** Entries that the kernel would not have for another reason. */
  readonly failed: number;
}

export type DumpProgress = "done" | "more" | "waiting";

export interface Conntrack {
  /**
   * Reads events that others than this port caused, oldest first, until none waits (`empty`) or the
   * budget is spent (`more`). `overrun`: the kernel had to drop some.
   */
  drain(
    take: (kind: EventKind, flow: FlowRecord) => void,
    budgetMs: number,
  ): "empty" | "more" | "overrun";

  /** Begins to read the whole table; one reading at a time. `more`: what was waited for has come. */
  beginDump(more: () => void): void;

  /**
   * Reads on: `done` when the table has been read to its end, `waiting` where the kernel has not made the
   * next piece yet, `more` when the budget is spent. The record is lent for the call.
   */
  continueDump(take: (flow: FlowRecord) => void, budgetMs: number): DumpProgress;

  /** Gives up a reading that is not at its end. */
  abandonDump(): void;

  /** Carries the operations out, in order; all are in the kernel on return. No event tells of them. */
  inject(batch: Batch): InjectResult;

  /** Entries in the table now, and how many it can have. */
  occupancy(): { readonly count: number; readonly max: number };

  /** How long the kernel keeps such an entry after its last packet, in seconds. */
  normalTimeoutS(flow: FlowRecord): number;
}
