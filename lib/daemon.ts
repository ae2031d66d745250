/**
 * The daemon: it sets the machine up, starts the core's thread and the replication, lets the two
 * speak with each other, answers questions, and takes everything back at its end.
 *
 * Resources are acquired in order and released in reverse, whatever ends the daemon.
 */
import type { ClusteripSetup } from "./clusterip/match.ts";
import type { Config } from "./config.ts";
import { configDigest } from "./config_digest.ts";
import type { ControlRequest, Who } from "./control.ts";
import { AvailError, exitCodes } from "./errors.ts";
import { attachDatapath, type ChosenDatapath } from "./host/attach_datapath.ts";
import { now } from "./host/clock.ts";
import { readClusterip } from "./host/clusterip_kernel.ts";
import { serveControl } from "./host/control_socket.ts";
import { CoreThread } from "./host/core_thread.ts";
import { requireLibraries } from "./host/libraries.ts";
import { standardErrorLog } from "./host/log_output.ts";
import { datapathShare, type Machine, readMachine, readOwnAddresses } from "./host/machine.ts";
import { notifyServiceManager } from "./host/notify.ts";
import { Replication } from "./host/replication.ts";
import { collectGarbageWithoutHelpers, preferReplication } from "./host/scheduling.ts";
import type { Log } from "./log.ts";
import type { CoreEvent } from "./node_types.ts";
import { ClusteripBuckets } from "./ownership/clusterip_slots.ts";
import { FlowBuckets } from "./ownership/flow_bucket.ts";
import { statusOf } from "./status.ts";
import { formatAddress } from "./wire/address.ts";
import { toHex } from "./wire/cursor.ts";
import { bucketSeed, type KeyRing } from "./wire/keys.ts";
import { incarnationBytes } from "./wire/seal.ts";

/** A node that is to take buckets from nobody listens so long first, or three detection times. */
const listenMs = 3000;
/** A node that leaves and cannot hand over (a peer that never takes it) goes after this time. */
const leaveMsMax = 15_000;
/** Addresses of this node come and go; whether a flow is its own is judged by a list this old. */
const ownAddressesEveryMs = 5000;

/** Runs one node until SIGTERM or SIGINT; resolves when its buckets are handed over. */
export async function runDaemon(options: { config: Config; keys: KeyRing }): Promise<void> {
  const { config } = options;
  requireLibraries();
  const log = standardErrorLog();
  const stop = new AbortController();
  await using resources = new AsyncDisposableStack();
  resources.defer(() => stop.abort());

  // The control socket comes first: it is what tells a second daemon that it is the second.
  const ready = Promise.withResolvers<Daemon>();
  ready.promise.catch(() => {});
  const control = await serveControl({
    path: config.control.socket,
    handle: async (request) => (await ready.promise).answer(request),
    signal: stop.signal,
  });
  resources.defer(async () => {
    stop.abort();
    await control.ended;
  });

  collectGarbageWithoutHelpers();
  preferReplication();
  const machine = readMachine(config);
  const clusterip = config.datapath.backend === "clusterip" ? readClusterip(config) : null;
  const attachment = attachDatapath(config.datapath.backend, {
    clusterip,
    runDir: parentOf(config.control.socket),
    shares: config.shares.map((share) => datapathShare(share, options.keys)),
    seed: bucketSeed(options.keys),
    markMask: config.shares.some((share) => share.nat) ? config.datapath.markMask : null,
  });
  resources.defer(() => attachment.detach());
  tellDatapath(log, attachment);

  const daemon = new Daemon({ ...options, clusterip }, machine, attachment, log);
  resources.defer(() => daemon.close());
  ready.resolve(daemon);
  await daemon.run();
  log.info("stopped");
}

class Daemon {
  readonly #config: Config;
  readonly #attachment: ChosenDatapath;
  readonly #log: Log;
  readonly #flowBuckets: FlowBuckets | ClusteripBuckets;
  readonly #core: CoreThread;
  readonly #replication: Replication;
  readonly #ownAddresses: OwnAddresses;

  constructor(
    { config, keys, clusterip }: {
      config: Config;
      keys: KeyRing;
      clusterip: ClusteripSetup | null;
    },
    machine: Machine,
    attachment: ChosenDatapath,
    log: Log,
  ) {
    this.#config = config;
    this.#attachment = attachment;
    this.#log = log;
    this.#flowBuckets = clusterip === null
      ? new FlowBuckets({ seed: bucketSeed(keys), shares: config.shares })
      : new ClusteripBuckets(clusterip);
    this.#ownAddresses = new OwnAddresses(config);
    const self = {
      name: config.node.name,
      incarnation: toHex(crypto.getRandomValues(new Uint8Array(incarnationBytes))),
    };
    const { intervalMs, multiplier } = config.detection;
    this.#replication = Replication.open({
      self,
      clusterName: config.cluster.name,
      keys,
      port: config.replication.port,
      listenAddresses: machine.replicationAddresses.map(formatAddress),
      enabled: config.replication.enabled,
      detectionMs: intervalMs * multiplier,
      bucketOf: this.#flowBuckets.bucketOfTuple.bind(this.#flowBuckets),
      isLocal: (bytes, offset, length) => this.#ownAddresses.has(bytes, offset, length),
      report: (report) => this.#core.input({ kind: "replication", report }),
      log: (line) => this.#log.repeated("info", line),
    });
    this.#core = new CoreThread({
      options: {
        ...self,
        weight: config.node.weight,
        intervalMs,
        multiplier,
        partition: config.cluster.partition,
        backups: config.replication.backups,
        configDigest: configDigest(config, keys, clusterip),
        ...(clusterip === null ? {} : { units: clusterip.totalNodes, inPlace: true }),
        shares: config.shares.length,
        links: config.links.length,
        addresses: machine.replicationAddresses,
        listenMs,
      },
      adopted: attachment.adopted && {
        responsibility: attachment.adopted.responsibility.toHex(),
        leaseUntil: attachment.adopted.leaseUntil,
      },
      clusterName: config.cluster.name,
      keys,
      interfaces: machine.interfaces,
      // Every node of CLUSTERIP answers for the shared addresses, whoever serves.
      probes: clusterip === null ? machine.probes : [],
      steering: attachment.steering,
    }, {
      started: (scheduling) => this.#log.info("the core runs", { scheduling }),
      orders: (orders) => this.#replication.order(orders),
      release: (order) => this.#replication.release(order),
      event: (event) => this.#logEvent(event),
    });
  }

  /** Until the core has left; rejects when a part of the daemon failed. */
  async run(): Promise<void> {
    const leave = this.#leaveOnSignal();
    const refresh = setInterval(() => this.#ownAddresses.refresh(), ownAddressesEveryMs);
    notifyServiceManager("READY=1");
    const { name, weight } = this.#config.node;
    this.#log.info("started", { node: name, cluster: this.#config.cluster.name, weight });
    try {
      const replication = this.#replication.run().then(() => this.#core.done);
      await Promise.race([this.#core.done, replication, leave.forced]);
    } finally {
      clearInterval(refresh);
      leave.dispose();
    }
  }

  async close(): Promise<void> {
    notifyServiceManager("STOPPING=1");
    this.#core.close();
    await this.#replication.close();
  }

  async answer(request: ControlRequest): Promise<unknown> {
    switch (request.command) {
      case "status":
        return await this.#status();
      case "who":
        return await this.#who(request);
      case "drain":
      case "resume":
        this.#core.input({ kind: request.command });
        return {};
    }
  }

  async #status() {
    const [snapshot, replication] = await Promise.all([
      this.#core.snapshot(),
      this.#replication.status(),
    ]);
    return statusOf({
      cluster: this.#config.cluster.name,
      snapshot,
      replication: {
        flows: replication.flows,
        foreign: replication.foreign,
        lagMs: Math.round(replication.lagMs),
        peers: replication.peers,
      },
      backend: this.#attachment.backend,
      why: this.#attachment.why,
      weaker: this.#attachment.weaker,
      counters: this.#attachment.counters(),
      now: now(),
    });
  }

  async #who(request: Extract<ControlRequest, { command: "who" }>): Promise<Who> {
    const bucket = this.#flowBuckets.bucketOf(request);
    if (bucket === null) {
      throw new AvailError(
        `who: ${request.source} and ${request.destination} are not two addresses of one family`,
        { exitCode: exitCodes.usage },
      );
    }
    const { owners, backups } = await this.#core.snapshot();
    return { bucket, owner: owners[bucket], backups: backups[bucket] };
  }

  #logEvent({ level, name, text, fields }: CoreEvent): void {
    const severity = level === "warning" ? "warn" : level;
    // The texts of lateness differ by their milliseconds, and a starved machine has many of them.
    if (name === "late") this.#log.repeated(severity, "this process was not run in time", fields);
    else this.#log.write(severity, text, { event: name, ...fields });
  }

  /** SIGTERM or SIGINT: hand over, then end. A second one, or too long a wait: end at once. */
  #leaveOnSignal(): { readonly forced: Promise<void>; dispose(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const leave = () => {
      if (timer !== undefined) return resolve();
      this.#log.info("leaving: handing over");
      this.#core.input({ kind: "leave" });
      timer = setTimeout(() => {
        this.#log.warn("leaving without handing over everything", { waitedMs: leaveMsMax });
        resolve();
      }, leaveMsMax);
    };
    const signals = ["SIGTERM", "SIGINT"] as const;
    for (const signal of signals) Deno.addSignalListener(signal, leave);
    return {
      forced: promise,
      dispose() {
        clearTimeout(timer);
        for (const signal of signals) Deno.removeSignalListener(signal, leave);
      },
    };
  }
}

/** This node's own addresses; few, and asked for with every flow. */
class OwnAddresses {
  #known: readonly Uint8Array[] = [];

  constructor(readonly config: Config) {
    this.refresh();
  }

  refresh(): void {
    this.#known = readOwnAddresses(this.config);
  }

  has(bytes: Uint8Array, offset: number, length: number): boolean {
    for (const known of this.#known) {
      if (known.length !== length) continue;
      let i = 0;
      while (i < length && known[i] === bytes[offset + i]) i++;
      if (i === length) return true;
    }
    return false;
  }
}

function tellDatapath(log: Log, attachment: ChosenDatapath): void {
  const { backend, why, weaker, modes, adopted } = attachment;
  log.info("datapath chosen", { backend, why });
  for (const sentence of weaker ?? []) log.warn(`${backend} is weaker: ${sentence}`);
  for (const [name, mode] of modes) log.info("datapath attached", { interface: name, mode });
  if (adopted !== null) {
    const leaseMs = Math.round(adopted.leaseUntil - now());
    log.info("adopted a datapath", {
      buckets: adopted.responsibility.size,
      ...(Number.isFinite(leaseMs) ? { leaseMs } : {}),
    });
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
