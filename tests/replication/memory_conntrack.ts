/** A connection tracking table in memory, with traffic that a test makes. */
import type { EventKind } from "../../lib/netlink/ctnetlink.ts";
import { FlowRecord } from "../../lib/netlink/flow_record.ts";
import type {
  Batch,
  Conntrack,
  DumpProgress,
  InjectResult,
} from "../../lib/replication/conntrack.ts";

/** Events that wait before the "kernel" drops some. */
const eventsMax = 10_000;

export class MemoryConntrack implements Conntrack {
  readonly entries = new Map<string, FlowRecord>();
  max = 1_000_000;
  dumps = 0;
  abandoned = 0;
  isWaiting = false;
  #more = () => {};
  /** Entries that one call of `continueDump` reads. */
  dumpSlice = 100;
  #events: { kind: EventKind; flow: FlowRecord }[] = [];
  #overrun = false;
  #dump: FlowRecord[] = [];

  // ---- traffic

  /** A flow begins or changes; the event tells. */
  traffic(flow: FlowRecord): void {
    const key = keyOf(flow);
    this.#tell(this.entries.has(key) ? "update" : "new", flow);
    this.entries.set(key, copyOf(flow));
  }

  /** A flow ends; the event tells. */
  end(flow: FlowRecord): void {
    this.entries.delete(keyOf(flow));
    this.#tell("destroy", flow);
  }

  /** The kernel has no room for events. */
  overrun(): void {
    this.#overrun = true;
    this.#events = [];
  }

  #tell(kind: EventKind, flow: FlowRecord): void {
    if (this.#events.length >= eventsMax) this.overrun();
    else this.#events.push({ kind, flow: copyOf(flow) });
  }

  has(flow: FlowRecord): boolean {
    return this.entries.has(keyOf(flow));
  }

  get(flow: FlowRecord): FlowRecord | undefined {
    return this.entries.get(keyOf(flow));
  }

  // ---- the port

  drain(
    take: (kind: EventKind, flow: FlowRecord) => void,
  ): "empty" | "more" | "overrun" {
    if (this.#overrun) {
      this.#overrun = false;
      return "overrun";
    }
    for (const { kind, flow } of this.#events.splice(0)) take(kind, flow);
    return "empty";
  }

  beginDump(more: () => void): void {
    this.dumps++;
    this.#more = more;
    this.#dump = [...this.entries.values()];
  }

  continueDump(take: (flow: FlowRecord) => void): DumpProgress {
    if (this.isWaiting) return "waiting";
    for (const flow of this.#dump.splice(0, this.dumpSlice)) take(copyOf(flow));
    return this.#dump.length === 0 ? "done" : "more";
  }

  /** The kernel has made the next piece, after `isWaiting` was set. */
  goOn(): void {
    this.isWaiting = false;
    this.#more();
  }

  abandonDump(): void {
    this.abandoned++;
    this.#dump = [];
  }

  inject(batch: Batch): InjectResult {
    let refused = 0;
    for (let i = 0; i < batch.length; i++) {
      const flow = batch.flow(i);
      const key = keyOf(flow);
      const existing = this.entries.get(key);
      switch (batch.operation(i)) {
        case "delete":
          this.entries.delete(key);
          break;
        case "timeout":
          if (existing !== undefined) existing.timeoutS = flow.timeoutS;
          break;
        case "add":
          if (existing === undefined) this.entries.set(key, copyOf(flow));
          break;
        case "change":
          if (existing === undefined) refused++;
          else this.entries.set(key, copyOf(flow));
          break;
        default:
          this.entries.set(key, copyOf(flow));
      }
    }
    return { refused, failed: 0 };
  }

  occupancy(): { readonly count: number; readonly max: number } {
    return { count: this.entries.size, max: this.max };
  }

  normalTimeoutS(): number {
    return 120;
  }
}

function keyOf(flow: FlowRecord): string {
  const names = flow.addresses.subarray(0, 32).toHex();
  return `${flow.protocol} ${names} ${flow.sourcePort} ${flow.destinationPort} ${flow.zone}`;
}

function copyOf(flow: FlowRecord): FlowRecord {
  const copy = new FlowRecord();
  copy.copyFrom(flow);
  return copy;
}
