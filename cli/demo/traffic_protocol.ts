/**
 * What the demo and its traffic processes say to each other: one JSON object a line. The process
 * reads a plan, then orders, from standard input; it ends when its input does.
 */

/** One flow, by addresses. */
export interface Pair {
  readonly source: string;
  readonly target: string;
}

/** What the clients shall do; their first line of input. */
export interface TrafficPlan {
  readonly tcp: readonly Pair[];
  /** Milliseconds between two messages of a TCP connection. */
  readonly tcpPeriodMs: number;
  /** TCP connections that carry `bulkBytesPerSecond` each. */
  readonly bulk: readonly Pair[];
  readonly bulkBytesPerSecond: number;
  readonly udp: readonly Pair[];
  readonly udpPeriodMs: number;
  readonly pings: readonly Pair[];
  readonly pingPeriodMs: number;
  /** How long a connection may take to echo once more at the end. */
  readonly lastEchoTimeoutMs: number;
}

export type TrafficOrder =
  /** Ends the current interval, which is answered with its report, and begins another. */
  | { readonly order: "mark"; readonly name: string }
  /** Ends the traffic with a last echo on each connection, answered with the whole report. */
  | { readonly order: "finish" };

export type TrafficMessage =
  /** Servers: they listen. Clients: every connection is open and has echoed. */
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly reason: string }
  | ({ readonly kind: "sample" } & TrafficSample)
  | { readonly kind: "interval"; readonly interval: IntervalReport }
  | { readonly kind: "report"; readonly report: TrafficReport };

/** The state of the traffic, ten times a second. */
export interface TrafficSample {
  readonly started: number;
  readonly alive: number;
  /** Echoed bytes of all TCP connections since the start. */
  readonly bytes: number;
  /** How long the most silent flow of each kind has been silent now. */
  readonly silenceMs: Readonly<Record<FlowKind, number>>;
  /** The longest silence in the current interval. */
  readonly longestMs: Readonly<Record<FlowKind, number>>;
  /** Connections that have heard nothing for `stalledMs`. */
  readonly stalled: number;
  readonly duplicates: number;
}

export const flowKinds = ["tcp", "bulk", "udp", "ping"] as const;
export type FlowKind = typeof flowKinds[number];

/** What one kind of flow went through in one interval. */
export interface KindReport {
  readonly flows: number;
  /** The longest silence of any flow: time between two echoes, or since the last one. */
  readonly longestMs: number;
  /** The flow that was silent for so long; null where there are no flows. */
  readonly worst: Pair | null;
  /** Flows that were silent for longer than `stalledMs`. */
  readonly stalled: number;
  /** UDP and ping: requests without an answer. TCP: connections lost. */
  readonly lost: number;
  /** UDP and ping: answers that came twice. */
  readonly duplicates: number;
  /** TCP: bytes echoed. */
  readonly bytes: number;
}

/** A silence that is worth counting: well above any flow's own period. */
export const stalledMs = 120;

export interface IntervalReport extends Readonly<Record<FlowKind, KindReport>> {
  readonly name: string;
  readonly durationMs: number;
  readonly alive: number;
  /** How late the measuring process itself was at worst: no gap is known better than this. */
  readonly ownDelayMs: number;
}

export interface LostConnection extends Pair {
  readonly reason: string;
}

/** An answer that came twice. */
export interface Duplicate extends Pair {
  readonly kind: "udp" | "ping";
  readonly sequence: number;
  /** The interval in which it came. */
  readonly interval: string;
}

export interface TrafficReport {
  readonly started: number;
  readonly alive: number;
  readonly lost: readonly LostConnection[];
  readonly duplicates: number;
  /** The first of them. */
  readonly duplicated: readonly Duplicate[];
  /** In order; the last one ends with the last echoes. */
  readonly intervals: readonly IntervalReport[];
}

export const echoPort = 7000;
