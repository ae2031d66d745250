/** What the demo found out, as a table for people and as JSON for scripts. */
import type { Duplicate, IntervalReport, LostConnection, Pair } from "./traffic_protocol.ts";

/** One step of the story. */
export interface StepResult {
  readonly name: string;
  readonly durationMs: number;
  /** Longest silence of any flow of a kind. */
  readonly longestMs: { readonly tcp: number; readonly udp: number; readonly ping: number };
  /** The flows that were silent for so long. */
  readonly worst: {
    readonly tcp: Pair | null;
    readonly udp: Pair | null;
    readonly ping: Pair | null;
  };
  /** TCP connections that were silent for longer than 120 ms. */
  readonly stalled: number;
  /** Requests without an answer. */
  readonly unanswered: { readonly udp: number; readonly ping: number };
  readonly duplicates: number;
  readonly alive: number;
  /** How late the measuring process itself was at worst. */
  readonly ownDelayMs: number;
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
}

/** `avail demo --json`; fields are added, never changed or removed. */
export interface DemoResult {
  readonly schema: 1;
  readonly lab: string;
  readonly replication: boolean;
  readonly intervalMs: number;
  readonly multiplier: number;
  readonly started: number;
  readonly alive: number;
  readonly duplicates: number;
  readonly lost: readonly LostConnection[];
  /** The first answers that came twice. */
  readonly duplicated: readonly Duplicate[];
  readonly steps: readonly StepResult[];
}

/** @param before Buckets of each node at the beginning of the step. @param after At its end. */
export function stepResult(
  name: string,
  interval: IntervalReport,
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): StepResult {
  const { tcp, udp, ping } = interval;
  return {
    name,
    durationMs: interval.durationMs,
    longestMs: { tcp: tcp.longestMs, udp: udp.longestMs, ping: ping.longestMs },
    worst: { tcp: tcp.worst, udp: udp.worst, ping: ping.worst },
    stalled: tcp.stalled,
    unanswered: { udp: udp.lost, ping: ping.lost },
    duplicates: udp.duplicates + ping.duplicates,
    alive: interval.alive,
    ownDelayMs: interval.ownDelayMs,
    before,
    after,
  };
}

/** The steps in columns. */
export function resultTable(result: DemoResult): string[] {
  const names = Object.keys(result.steps[0]?.after ?? {});
  const rows = [
    ["step", "alive", "TCP gap", "UDP gap", "ping gap", "dup", `buckets ${names.join("/")}`],
    ...result.steps.map((step) => [
      step.name,
      `${step.alive}/${result.started}`,
      `${step.longestMs.tcp} ms`,
      `${step.longestMs.udp} ms`,
      `${step.longestMs.ping} ms`,
      `${step.duplicates}`,
      `${counts(step.before)} -> ${counts(step.after)}`,
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const isText = (column: number) => column === 0 || column === widths.length - 1;
  return rows.map((row) =>
    row.map((cell, i) => isText(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))
      .join("  ").trimEnd()
  );
}

/** What it means, in a sentence or two. */
export function verdict(result: DemoResult): string[] {
  const lost = result.started - result.alive;
  const lines = [
    `${result.alive} of ${result.started} connections alive, ${result.duplicates} duplicate answers`,
  ];
  for (const { kind, source, target, sequence, interval } of result.duplicated.slice(0, 5)) {
    lines.push(`  twice: ${kind} ${source} to ${target}, number ${sequence}, while ${interval}`);
  }
  if (!result.replication) {
    lines.push(
      lost > 0
        ? `Without replication ${lost} connections died with their node: this is what replication ` +
          "is for. (Exit code 1, as connections were lost.)"
        : "Without replication connections should have died, and none did: this control proves " +
          "nothing. Was the killed node without connections?",
    );
  } else if (lost > 0) {
    for (const [reason, count] of reasons(result.lost)) lines.push(`  lost: ${count} x ${reason}`);
  }
  return lines;
}

function counts(buckets: Readonly<Record<string, number>>): string {
  return Object.values(buckets).join("/");
}

function reasons(lost: readonly LostConnection[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { reason } of lost) found.set(reason, (found.get(reason) ?? 0) + 1);
  return found;
}
