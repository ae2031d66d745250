/** All flows of the clients: keeps them busy and measures what happens to them. */
import type { GapMeter, SequenceMeter } from "./meters.ts";
import { PingFlow } from "./ping_flow.ts";
import { TcpFlow } from "./tcp_flow.ts";
import {
  type Duplicate,
  type FlowKind,
  flowKinds,
  type IntervalReport,
  type KindReport,
  type Pair,
  stalledMs,
  type TrafficPlan,
  type TrafficReport,
  type TrafficSample,
} from "./traffic_protocol.ts";
import { UdpFlow } from "./udp_flow.ts";

/** One timer drives all flows; this is its period. */
const tickMs = 5;
const connectTimeoutMs = 10_000;
/** Connections opened at the same time: a burst of more would only measure the backlog. */
const openingMax = 25;
/** Missed turns that are made up for, so that no flow skips a message. */
const lateTurnsMax = 10;
const messageBytesMin = 64;
const messageBytesMax = 1400;
/** Answers that came twice, in the report. */
const duplicatedMax = 50;

interface Totals {
  readonly bytes: number;
  readonly lost: number;
  readonly duplicates: number;
}

export class ClientTraffic {
  readonly #plan: TrafficPlan;
  readonly #tcp: readonly TcpFlow[];
  readonly #bulk: readonly TcpFlow[];
  readonly #udp: readonly UdpFlow[];
  readonly #pings: readonly PingFlow[];
  readonly #intervals: IntervalReport[] = [];
  readonly #duplicated: Duplicate[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  #intervalName = "start";
  #intervalStart = performance.now();
  #totalsBefore: Record<FlowKind, Totals>;
  readonly #startedAt = performance.now();
  /** Turns taken since the start; one falls due every `tickMs`. */
  #turns = 0;
  #tickedAt = performance.now();
  #ownDelayMs = 0;
  #sending = true;

  private constructor(
    plan: TrafficPlan,
    tcp: readonly TcpFlow[],
    bulk: readonly TcpFlow[],
    udp: readonly UdpFlow[],
    onFailure: (reason: string) => void,
  ) {
    this.#plan = plan;
    this.#tcp = tcp;
    this.#bulk = bulk;
    this.#udp = udp;
    this.#pings = plan.pings.map((pair) =>
      PingFlow.start(pair, plan.pingPeriodMs, (reason) => this.#sending && onFailure(reason))
    );
    this.#totalsBefore = this.#totals();
    this.#timer = setInterval(() => this.#onTick(), tickMs);
  }

  /**
   * Opens every connection of the plan, then starts the rest.
   *
   * @param onFailure Told of what ends although it should go on (a ping process).
   * @throws Error where a connection cannot be opened.
   */
  static async open(
    plan: TrafficPlan,
    onFailure: (reason: string) => void,
  ): Promise<ClientTraffic> {
    const tcp = await openAll(plan.tcp);
    const bulk = await openAll(plan.bulk);
    const udp = await Promise.all(plan.udp.map((pair) => UdpFlow.open(pair)));
    return new ClientTraffic(plan, tcp, bulk, udp, onFailure);
  }

  sample(): TrafficSample {
    const now = performance.now();
    const connections = [...this.#tcp, ...this.#bulk];
    const of = (measure: (meter: GapMeter) => number) =>
      recordOf((kind) => Math.round(Math.max(0, ...this.#meters(kind).map(measure))));
    return {
      started: connections.length,
      alive: connections.filter((flow) => flow.lost === null).length,
      bytes: connections.reduce((sum, flow) => sum + flow.bytes, 0),
      silenceMs: of((meter) => meter.silence(now)),
      longestMs: of((meter) => meter.longest(now)),
      stalled: connections.filter((flow) => flow.gap.silence(now) > stalledMs).length,
      duplicates: this.#duplicates(),
    };
  }

  /** Ends the current interval and begins the one named. */
  mark(name: string): IntervalReport {
    const now = performance.now();
    const totals = this.#totals();
    const before = this.#totalsBefore;
    const report: IntervalReport = {
      name: this.#intervalName,
      durationMs: Math.round(now - this.#intervalStart),
      alive: [...this.#tcp, ...this.#bulk].filter((flow) => flow.lost === null).length,
      ownDelayMs: Math.round(this.#ownDelayMs),
      ...recordOf((kind): KindReport => {
        const flows = this.#flows(kind);
        const gaps = flows.map((flow) => flow.gap.endInterval(now));
        const longest = Math.max(0, ...gaps);
        return {
          flows: gaps.length,
          longestMs: Math.round(longest),
          worst: flows[gaps.indexOf(longest)]?.pair ?? null,
          stalled: gaps.filter((gap) => gap > stalledMs).length,
          bytes: totals[kind].bytes - before[kind].bytes,
          lost: totals[kind].lost - before[kind].lost,
          duplicates: totals[kind].duplicates - before[kind].duplicates,
        };
      }),
    };
    this.#intervals.push(report);
    this.#duplicated.push(
      ...this.#repeated("udp", this.#udp),
      ...this.#repeated("ping", this.#pings),
    );
    this.#duplicated.splice(duplicatedMax);
    this.#intervalName = name;
    this.#intervalStart = now;
    this.#totalsBefore = totals;
    this.#ownDelayMs = 0;
    return report;
  }

  /** Stops sending, waits for one more echo on each connection, and reports. */
  async finish(): Promise<TrafficReport> {
    this.#sending = false;
    for (const ping of this.#pings) ping.stop();
    const connections = [...this.#tcp, ...this.#bulk];
    for (const flow of connections) flow.send(messageBytesMin);
    const deadline = performance.now() + this.#plan.lastEchoTimeoutMs;
    const waiting = () => connections.filter((flow) => flow.lost === null && flow.outstanding > 0);
    while (waiting().length > 0 && performance.now() < deadline) await delay(10);
    for (const flow of waiting()) {
      flow.giveUp(`no echo within ${this.#plan.lastEchoTimeoutMs / 1000} s`);
    }
    this.mark("end");
    return {
      started: connections.length,
      alive: connections.filter((flow) => flow.lost === null).length,
      lost: connections.flatMap((flow) =>
        flow.lost === null ? [] : [{ ...flow.pair, reason: flow.lost }]
      ),
      duplicates: this.#duplicates(),
      duplicated: this.#duplicated,
      intervals: this.#intervals,
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#sending = false;
    for (const flow of [...this.#tcp, ...this.#bulk, ...this.#udp]) flow.close();
    for (const ping of this.#pings) ping.stop();
  }

  #onTick(): void {
    const now = performance.now();
    this.#ownDelayMs = Math.max(this.#ownDelayMs, now - this.#tickedAt - tickMs);
    this.#tickedAt = now;
    if (!this.#sending) return;
    // Timers drift: turns go by the clock. Those that were missed for long are left out.
    const due = Math.floor((now - this.#startedAt) / tickMs);
    this.#turns = Math.max(this.#turns, due - lateTurnsMax);
    while (this.#turns < due) this.#takeTurn(this.#turns++);
  }

  #takeTurn(turn: number): void {
    const { tcpPeriodMs, udpPeriodMs, bulkBytesPerSecond } = this.#plan;
    // Flows take turns within their period, so that there is never a burst of all of them.
    eachInTurn(this.#tcp, turn, tcpPeriodMs, (flow, i) => flow.send(messageLength(i + turn)));
    eachInTurn(this.#udp, turn, udpPeriodMs, (flow) => flow.send());
    eachInTurn(
      this.#bulk,
      turn,
      bulkPeriodMs,
      (flow) => flow.send(bulkBytesPerSecond * bulkPeriodMs / 1000),
    );
  }

  #meters(kind: FlowKind): GapMeter[] {
    return this.#flows(kind).map((flow) => flow.gap);
  }

  #flows(kind: FlowKind): readonly (TcpFlow | UdpFlow | PingFlow)[] {
    return { tcp: this.#tcp, bulk: this.#bulk, udp: this.#udp, ping: this.#pings }[kind];
  }

  #totals(): Record<FlowKind, Totals> {
    const connections = (flows: readonly TcpFlow[]): Totals => ({
      bytes: flows.reduce((sum, flow) => sum + flow.bytes, 0),
      lost: flows.filter((flow) => flow.lost !== null).length,
      duplicates: 0,
    });
    const datagrams = (flows: readonly { readonly sequence: SequenceMeter }[]): Totals => ({
      bytes: 0,
      lost: flows.reduce((sum, flow) => sum + flow.sequence.lost, 0),
      duplicates: flows.reduce((sum, flow) => sum + flow.sequence.duplicates, 0),
    });
    return {
      tcp: connections(this.#tcp),
      bulk: connections(this.#bulk),
      udp: datagrams(this.#udp),
      ping: datagrams(this.#pings),
    };
  }

  #repeated(kind: "udp" | "ping", flows: readonly (UdpFlow | PingFlow)[]): Duplicate[] {
    const interval = this.#intervalName;
    return flows.flatMap(({ pair, sequence }) =>
      sequence.takeRepeated().map((number) => ({ kind, ...pair, sequence: number, interval }))
    );
  }

  #duplicates(): number {
    const { udp, ping } = this.#totals();
    return udp.duplicates + ping.duplicates;
  }
}

const bulkPeriodMs = 10;

/** Calls `work` for those flows whose turn it is. */
function eachInTurn<T>(
  flows: readonly T[],
  turn: number,
  periodMs: number,
  work: (flow: T, index: number) => void,
): void {
  const turns = Math.max(1, Math.round(periodMs / tickMs));
  for (let i = turn % turns; i < flows.length; i += turns) work(flows[i], i);
}

/** Spread over all lengths from the smallest to a full segment. */
function messageLength(i: number): number {
  return messageBytesMin + i * 97 % (messageBytesMax - messageBytesMin);
}

async function openAll(pairs: readonly Pair[]): Promise<TcpFlow[]> {
  const flows: TcpFlow[] = new Array(pairs.length);
  let next = 0;
  const opener = async () => {
    while (next < pairs.length) {
      const i = next++;
      flows[i] = await TcpFlow.open(pairs[i], connectTimeoutMs);
    }
  };
  await Promise.all(Array.from({ length: Math.min(openingMax, pairs.length) }, opener));
  return flows;
}

function recordOf<T>(value: (kind: FlowKind) => T): Record<FlowKind, T> {
  return Object.fromEntries(flowKinds.map((kind) => [kind, value(kind)])) as Record<FlowKind, T>;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
