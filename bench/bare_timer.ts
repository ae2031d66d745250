/**
 * A thread in real time that does nothing but wake up: how late it is, is the machine's own lateness,
 * which no program on it can mend. Run as a Worker; it ends with the program.
 */
import { PollSet } from "../ffi/libc.ts";
import { now } from "../lib/host/clock.ts";
import { preferCore } from "../lib/host/scheduling.ts";

declare const self: {
  onmessage: ((event: { data: BareTimerOrder }) => void) | null;
  postMessage(report: BareTimerReport): void;
};

export interface BareTimerOrder {
  readonly periodMs: number;
  readonly forMs: number;
  /** Wakings that were later than this are told one by one. */
  readonly tellAboveMs: number;
}

export interface BareTimerReport {
  readonly scheduling: string;
  readonly wakings: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** When it should have been run (CLOCK_BOOTTIME), and how late it was. */
  readonly late: readonly { readonly dueMs: number; readonly lateMs: number }[];
}

self.onmessage = ({ data: { periodMs, forMs, tellAboveMs } }) => {
  const scheduling = preferCore();
  const nothing = new PollSet([]);
  const lateness: number[] = [];
  const late: { dueMs: number; lateMs: number }[] = [];
  const endAt = now() + forMs;
  for (let dueMs = now() + periodMs; dueMs < endAt; dueMs = Math.max(dueMs, now()) + periodMs) {
    while (now() < dueMs) nothing.wait(Math.max(0, Math.ceil(dueMs - now())));
    const lateMs = now() - dueMs;
    lateness.push(lateMs);
    if (lateMs > tellAboveMs) late.push({ dueMs, lateMs });
  }
  lateness.sort((a, b) => a - b);
  const at = (part: number) => lateness[Math.floor(part * (lateness.length - 1))];
  self.postMessage({
    scheduling,
    wakings: lateness.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    late,
  });
};
