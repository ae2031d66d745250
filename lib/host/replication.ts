/**
 * Replication on Linux: the replicator over the kernel's table and TCP, and the loop that moves it.
 * It lives on the daemon's main thread; the core gives it orders and takes its reports as plain
 * objects.
 */
import { setImmediate } from "node:timers";
import { CLOCK_BOOTTIME, clockMs } from "../../ffi/libc.ts";
import type { ReplicationTotals } from "../control.ts";
import type { Millis, ReleaseOrder, ReplicationOrders, ReplicationReport } from "../ports.ts";
import {
  type BucketOfTuple,
  type IsLocal,
  Replicator,
  type ReplicatorCounters,
  type ReplicatorStatus,
} from "../replication/replicator.ts";
import type { NodeIdentity } from "../replication/stream.ts";
import type { KeyRing } from "../wire/keys.ts";
import { LinuxConntrack } from "./conntrack.ts";
import { TcpListener, TcpTransport } from "./links.ts";

export interface ReplicationOptions {
  readonly self: NodeIdentity;
  readonly clusterName: string;
  readonly keys: KeyRing;
  /** TCP port, the same on all nodes. */
  readonly port: number;
  /** Own addresses to listen on, at least one. */
  readonly listenAddresses: readonly string[];
  /**
   * false: the negative control. Streams stand, releases and `bulkReceived` work, everything counts as
   * proven, but no flow is carried and the kernel's table is not touched.
   */
  readonly enabled: boolean;
  /** Detection time of the cluster; a stream may be silent for the longer of it and a second. */
  readonly detectionMs: number;
  /** Older unacknowledged messages make a peer's buckets unproven. */
  readonly lagMsMax?: number;
  readonly bucketOf: BucketOfTuple;
  readonly isLocal: IsLocal;
  /** Addresses of services on this node; by default none. */
  readonly isService?: IsLocal;
  readonly report: (report: ReplicationReport) => void;
  readonly log: (line: string) => void;
}

/** This thread shares its time with everything else, up to a second in a bad moment. */
const silenceMsMin = 1000;
const lagMsMaxDefault = 250;
/** Two readings of `flowsPerBulkMax` IPv4 flows at some 40 bytes. */
const queueBytesMax = 32 * 1024 * 1024;
/** A wait for events cannot be cancelled, so that it is short: `close` waits for it. */
const waitMs = 200;
/** After a reading of more events than this, more are gathered before the next. */
const gatherEvents = 64;
const gatherMs = 2;
/** Counts this old are told as they are; a large table is not read more often for them. */
const countsMsMax = 1000;
const largeCountsMsMax = 10_000;
const largeTable = 20_000;
/**
 * The runtime looks at its sockets only when it comes to rest, which immediates never let it (measured:
 * up to 270 ms late). A timer does, and costs about 2 ms: so each fourth step waits for one.
 */
const stepsInARowMax = 4;
/** `status` waits so long for fresh counts. */
const countWaitMs = 500;

export class Replication {
  readonly #replicator: Replicator;
  /** null where no flow is carried. */
  readonly #conntrack: LinuxConntrack | null;
  readonly #listener: TcpListener;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isScheduled = false;
  #stepsInARow = 0;
  #isClosed = false;
  #idleWaiters: (() => void)[] = [];
  /** What ended the work before its time; `run` tells. */
  #failure: { readonly cause: unknown } | null = null;
  #running: Promise<void> = Promise.resolve();

  private constructor(options: ReplicationOptions) {
    const { port, listenAddresses, enabled, detectionMs, report, log } = options;
    const silenceMsMax = Math.max(detectionMs, silenceMsMin);
    this.#conntrack = enabled ? LinuxConntrack.open() : null;
    try {
      this.#listener = new TcpListener(
        listenAddresses,
        port,
        (link) => this.#replicator.accept(link),
      );
    } catch (error) {
      this.#conntrack?.close();
      throw error;
    }
    this.#replicator = new Replicator({
      self: options.self,
      clusterName: options.clusterName,
      keys: options.keys,
      enabled,
      silenceMsMax,
      lagMsMax: options.lagMsMax ?? lagMsMaxDefault,
      queueBytesMax,
      bucketOf: options.bucketOf,
      isLocal: options.isLocal,
      isService: options.isService ?? (() => false),
    }, {
      conntrack: this.#conntrack ?? untouchedTable,
      transport: new TcpTransport(port === 0 ? this.#listener.port : port, silenceMsMax),
      clock,
      random: () => crypto.getRandomValues(new Uint8Array(32)),
      report,
      log,
      wake: () => this.#wake(),
    });
  }

  /** Opens the table and the port; throws `AvailError` where one of them cannot be had. */
  static open(options: ReplicationOptions): Replication {
    return new Replication(options);
  }

  /** The port it listens on. */
  get port(): number {
    return this.#listener.port;
  }

  get counters(): ReplicatorCounters {
    return this.#replicator.counters;
  }

  /** What went wrong so far. */
  totals(): ReplicationTotals {
    return this.#replicator.totals();
  }

  /** Streams that are opened from now on are under these keys. */
  useKeys(keys: KeyRing): void {
    this.#replicator.useKeys(keys);
  }

  /** Peers find it at these addresses from now on; throws `AvailError` where one cannot be had. */
  useAddresses(addresses: readonly string[]): void {
    this.#listener.use(addresses);
  }

  /** Replaces what is to be done; returns at once. */
  order(orders: ReplicationOrders): void {
    this.#replicator.order(orders);
  }

  /**
   * Hands buckets over whose frames are off since `offAt`. The 2 ms in which packets inside this node still
   * finish are waited for here. A `releaseDone` report follows.
   */
  release(order: ReleaseOrder, offAt: Millis = clock()): void {
    this.#replicator.release(order, offAt);
  }

  /** The state now; counts of flows are at most a second old, of a large table ten. */
  async status(): Promise<ReplicatorStatus> {
    const { flows, foreign } = this.#replicator.status(clock());
    const ageMax = flows + foreign > largeTable ? largeCountsMsMax : countsMsMax;
    if (this.#conntrack !== null && this.#replicator.countsAgeMs(clock()) > ageMax) {
      const askedAt = clock();
      this.#replicator.wantCounts();
      while (
        !this.#isClosed && clock() - askedAt < countWaitMs &&
        this.#replicator.countsAgeMs(clock()) > clock() - askedAt
      ) await sleep(1);
    }
    return this.#replicator.status(clock());
  }

  /** Works until `close`; rejects where the kernel fails in a way that has no remedy. */
  run(): Promise<void> {
    return this.#running = this.#run();
  }

  async #run(): Promise<void> {
    this.#wake();
    const conntrack = this.#conntrack;
    while (!this.#isClosed) {
      if (this.#failure !== null) throw this.#failure.cause;
      if (conntrack === null) {
        await sleep(waitMs);
        continue;
      }
      const before = conntrack.eventCount;
      if (!await conntrack.waitForEvents(waitMs)) continue;
      await this.#workUntilIdle();
      if (conntrack.eventCount - before > gatherEvents) await sleep(gatherMs);
    }
  }

  /** Ends all streams and gives everything back. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#replicator.close();
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#listener.close();
    this.#becomeIdle();
    await this.#running.catch(() => {});
    this.#conntrack?.close();
  }

  #workUntilIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#work();
    });
  }

  #wake(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    const work = () => {
      this.#isScheduled = false;
      this.#work();
    };
    if (++this.#stepsInARow % stepsInARowMax === 0) setTimeout(work, 0);
    else setImmediate(work);
  }

  /** One step, and the arrangement of the next. */
  #work(): void {
    if (this.#isClosed || this.#failure !== null) return this.#becomeIdle();
    let nextAt: number;
    try {
      nextAt = this.#replicator.step(clock());
    } catch (cause) {
      this.#failure = { cause };
      return this.#becomeIdle();
    }
    clearTimeout(this.#timer);
    if (nextAt === 0) return this.#wake();
    this.#stepsInARow = 0;
    this.#becomeIdle();
    this.#timer = setTimeout(() => this.#work(), Math.max(0, nextAt - clock()));
  }

  #becomeIdle(): void {
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}

function clock(): number {
  return clockMs(CLOCK_BOOTTIME);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The table of a node that carries no flows: the replicator never looks at it. */
const untouchedTable = {
  drain: () => "empty" as const,
  beginDump() {},
  continueDump: () => "done" as const,
  abandonDump() {},
  inject: () => ({ refused: 0, failed: 0 }),
  occupancy: () => ({ count: 0, max: 0 }),
  normalTimeoutS: () => 0,
};
