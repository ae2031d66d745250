/** The lab's traffic as its owner sees it: starts the two processes, gives orders, hears results. */
import { AvailError } from "../../lib/errors.ts";
import { lineStream } from "./line_stream.ts";
import { killGroup, record } from "./processes.ts";
import { trafficCommand } from "./self.ts";
import {
  clientAddress,
  clientAddressesMax,
  type Family,
  type LabNames,
  serverAddress,
  sharedAddress,
} from "./topology.ts";
import type {
  IntervalReport,
  Pair,
  TrafficMessage,
  TrafficOrder,
  TrafficPlan,
  TrafficReport,
  TrafficSample,
} from "./traffic_protocol.ts";

export interface TrafficOptions {
  /** TCP connections; up to 400 of them come from different addresses. */
  readonly connections: number;
  readonly tcpPeriodMs: number;
  /** Connections that carry `bulkBytesPerSecond` each. */
  readonly bulk: number;
  readonly bulkBytesPerSecond: number;
  readonly udpFlows: number;
  readonly udpPeriodMs: number;
  /** How many pings, or which. The first two go to the shared addresses themselves. */
  readonly pings: number | readonly Pair[];
  /** At least 10. */
  readonly pingPeriodMs: number;
  readonly lastEchoTimeoutMs: number;
}

const defaults: TrafficOptions = {
  connections: 200,
  tcpPeriodMs: 50,
  bulk: 0,
  bulkBytesPerSecond: 5_000_000,
  udpFlows: 6,
  udpPeriodMs: 10,
  pings: 12,
  pingPeriodMs: 10,
  lastEchoTimeoutMs: 10_000,
};

const startTimeoutMs = 60_000;
const orderTimeoutMs = 10_000;

export class Traffic {
  readonly #servers: TrafficProcess;
  readonly #clients: TrafficProcess;
  readonly #options: TrafficOptions;
  #latest: TrafficSample | null = null;

  private constructor(options: TrafficOptions, servers: TrafficProcess, clients: TrafficProcess) {
    this.#options = options;
    this.#servers = servers;
    this.#clients = clients;
    clients.onSample = (sample) => this.#latest = sample;
  }

  /**
   * Resolves when every connection is open and busy.
   *
   * @param signal Ends every wait of this traffic.
   * @throws AvailError where a connection cannot be opened.
   */
  static async start(
    names: LabNames,
    some: Partial<TrafficOptions>,
    signal: AbortSignal,
  ): Promise<Traffic> {
    const options = { ...defaults, ...some };
    const servers = await TrafficProcess.start(names, "servers", signal);
    let clients: TrafficProcess | null = null;
    try {
      await servers.expect("ready", startTimeoutMs);
      clients = await TrafficProcess.start(names, "clients", signal);
      clients.send(planTraffic(options));
      await clients.expect("ready", startTimeoutMs);
      return new Traffic(options, servers, clients);
    } catch (error) {
      await Promise.all([servers.stop(), clients?.stop()]);
      throw error;
    }
  }

  /** The newest state; at most 100 ms old while all is well, null before the first. */
  get latest(): TrafficSample | null {
    return this.#latest;
  }

  /** Ends the current interval, begins another, and gives the report of the one that ended. */
  async mark(name: string): Promise<IntervalReport> {
    this.#clients.send({ order: "mark", name } satisfies TrafficOrder);
    return (await this.#clients.expect("interval", orderTimeoutMs)).interval;
  }

  /** Ends the traffic: every connection has to echo once more, else it is lost. */
  async finish(): Promise<TrafficReport> {
    this.#clients.send({ order: "finish" } satisfies TrafficOrder);
    const timeoutMs = this.#options.lastEchoTimeoutMs + orderTimeoutMs;
    const { report } = await this.#clients.expect("report", timeoutMs);
    await this.stop();
    return report;
  }

  /** Ends both processes, in whatever state they are. */
  async stop(): Promise<void> {
    await Promise.all([this.#clients.stop(), this.#servers.stop()]);
  }
}

/** The flows that `options` ask for: both families in turn, all from different client addresses. */
export function planTraffic(options: TrafficOptions): TrafficPlan {
  const { pings } = options;
  return {
    tcp: pairs(options.connections, 0),
    tcpPeriodMs: options.tcpPeriodMs,
    bulk: pairs(options.bulk, 50),
    bulkBytesPerSecond: options.bulkBytesPerSecond,
    udp: pairs(options.udpFlows, 100),
    udpPeriodMs: options.udpPeriodMs,
    pings: typeof pings === "number" ? pingPairs(pings) : pings,
    pingPeriodMs: options.pingPeriodMs,
    lastEchoTimeoutMs: options.lastEchoTimeoutMs,
  };
}

/** Counts down the client addresses, so that pings meet buckets that TCP leaves alone. */
export function pingPairs(count: number): Pair[] {
  return pairs(count, 150).map((pair, i) =>
    i < 2 ? { ...pair, target: sharedAddress("inside", i === 0 ? 4 : 6) } : pair
  );
}

function pairs(count: number, firstClient: number): Pair[] {
  return Array.from({ length: count }, (_, i) => {
    const family: Family = i % 2 === 0 ? 4 : 6;
    const index = firstClient + (i >> 1);
    return {
      source: clientAddress(index % clientAddressesMax, family),
      target: serverAddress(index, family),
    };
  });
}

/** One of the two processes, and the conversation with it. */
class TrafficProcess {
  onSample: (sample: TrafficSample) => void = () => {};
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #messages: TrafficMessage[] = [];
  /** Wakes `expect` when something came, or when nothing will come any more. */
  #wake: () => void = () => {};
  #ended = false;

  private constructor(
    readonly role: string,
    child: Deno.ChildProcess,
    readonly signal: AbortSignal,
  ) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#listen();
  }

  static async start(
    names: LabNames,
    role: "clients" | "servers",
    signal: AbortSignal,
  ): Promise<TrafficProcess> {
    signal.throwIfAborted();
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", names.namespace(role), ...trafficCommand(), role],
      stdin: "piped",
      stdout: "piped",
      // A session of its own: Ctrl-C is for the demo, which ends this process when it is time.
      detached: true,
    }).spawn();
    await record(names.directory, `traffic-${role}`, child.pid);
    return new TrafficProcess(role, child, signal);
  }

  send(message: unknown): void {
    const line = new TextEncoder().encode(JSON.stringify(message) + "\n");
    this.#input.write(line).catch(() => {}); // Its end is noticed by `expect`.
  }

  /** The next message of one kind; throws where the process failed, ended or is late. */
  async expect<K extends TrafficMessage["kind"]>(
    kind: K,
    timeoutMs: number,
  ): Promise<Extract<TrafficMessage, { kind: K }>> {
    let late = false;
    const onAbort = () => this.#wake();
    this.signal.addEventListener("abort", onAbort);
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, timeoutMs);
    try {
      for (;;) {
        this.signal.throwIfAborted();
        const at = this.#messages.findIndex((message) => message.kind === kind);
        if (at >= 0) {
          return this.#messages.splice(at, 1)[0] as Extract<TrafficMessage, { kind: K }>;
        }
        const failed = this.#messages.find((message) => message.kind === "failed");
        if (failed !== undefined) throw new AvailError(`traffic of ${this.role}: ${failed.reason}`);
        if (this.#ended) throw new AvailError(`traffic of ${this.role}: the process ended`);
        if (late) {
          throw new AvailError(`traffic of ${this.role}: no ${kind} within ${timeoutMs / 1000} s`);
        }
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener("abort", onAbort);
    }
  }

  async stop(): Promise<void> {
    killGroup(this.#child.pid);
    await this.#child.status;
    await this.#input.abort().catch(() => {});
  }

  async #listen(): Promise<void> {
    for await (const line of lineStream(this.#child.stdout)) {
      const message: TrafficMessage = JSON.parse(line);
      if (message.kind === "sample") this.onSample(message);
      else this.#messages.push(message);
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }
}
