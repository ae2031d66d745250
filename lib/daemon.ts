/**
 * The daemon: it sets the machine up, starts the core's thread and the replication, lets the two
 * speak with each other, answers questions, and takes everything back at its end.
 *
 * Resources are acquired in order and released in reverse, whatever ends the daemon.
 */
import type { ClusteripSetup } from "./clusterip/match.ts";
import type { Config } from "./config.ts";
import { configDigest, configTopics } from "./config_digest.ts";
import type { ControlRequest, ForwardableRequest, Who } from "./control.ts";
import { AvailError, exitCodes } from "./errors.ts";
import { EventRing } from "./events/event_ring.ts";
import { answerTo, resultOf } from "./forwarding/execute.ts";
import type { ForwardingEffect } from "./forwarding/forwarding.ts";
import { Announcer } from "./host/announcer.ts";
import { attachDatapath, type ChosenDatapath } from "./host/attach_datapath.ts";
import { now } from "./host/clock.ts";
import { readClusterip } from "./host/clusterip_kernel.ts";
import { serveControl } from "./host/control_socket.ts";
import { verdictMs } from "./host/checks/runner.ts";
import { CoreThread } from "./host/core_thread.ts";
import { DaemonReload } from "./host/daemon_reload.ts";
import { HealthWatch } from "./host/health_watch.ts";
import { JoinService } from "./host/join_service.ts";
import { requireLibraries } from "./host/libraries.ts";
import { standardErrorLog } from "./host/log_output.ts";
import {
  datapathShare,
  type Machine,
  readMachine,
  readOwnAddresses,
  sharedAddresses,
} from "./host/machine.ts";
import { serveMetrics } from "./host/metrics.ts";
import type { MetricsServer } from "./host/metrics_server.ts";
import { notifyServiceManager } from "./host/notify.ts";
import { NodeKeys } from "./host/node_keys.ts";
import { Replication } from "./host/replication.ts";
import { collectGarbageWithoutHelpers, preferReplication } from "./host/scheduling.ts";
import { keepKeysOutOfDumps } from "./host/secrecy.ts";
import { statusLine, tellLeaving, watchService } from "./host/service_watch.ts";
import { VitalSigns } from "./host/vitals.ts";
import type { Log } from "./log.ts";
import type { CoreEvent } from "./node_types.ts";
import { ClusteripBuckets } from "./ownership/clusterip_slots.ts";
import { FlowBuckets } from "./ownership/flow_bucket.ts";
import { type BucketLoad, LoadMeter } from "./ownership/load_meter.ts";
import { statusOf } from "./status.ts";
import { formatAddress } from "./wire/address.ts";
import { AddressList } from "./wire/address_list.ts";
import { toHex } from "./wire/cursor.ts";
import { bucketSeed, type KeyRing } from "./wire/keys.ts";
import { incarnationBytes } from "./wire/seal.ts";

/** A node that is to take buckets from nobody listens so long first, or three detection times. */
const listenMs = 3000;
/**
 * A node that leaves and cannot hand over (a peer that never takes it) goes after this time, beside
 * what it waits for open connections.
 */
const leaveMsMax = 15_000;
/** Addresses of this node come and go; whether a flow is its own is judged by a list this old. */
const ownAddressesEveryMs = 5000;
/** The counters of the buckets are read so often, for their rates. */
const loadEveryMs = 2000;

/** Requests that say themselves what they did, or do nothing. */
const toldElsewhere: readonly string[] = ["status", "vitals", "keys", "events", "reload"];

/** Runs one node until SIGTERM or SIGINT; resolves when its buckets are handed over. */
export async function runDaemon(options: { config: Config; keys: KeyRing }): Promise<void> {
  const { config } = options;
  requireLibraries();
  const events = new EventRing(config.node.name, toHex(crypto.getRandomValues(new Uint8Array(8))));
  const log = standardErrorLog({
    source: { node: config.node.name, cluster: config.cluster.name },
    also: (record) => events.take(record),
  });
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
  keepKeysOutOfDumps();
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

  const daemon = new Daemon({ ...options, clusterip }, machine, attachment, log, events);
  resources.defer(() => daemon.close());
  ready.resolve(daemon);
  await daemon.run();
  log.info("stopped", { event: "stopped" });
}

class Daemon {
  #config: Config;
  readonly #attachment: ChosenDatapath;
  readonly #log: Log;
  readonly #flowBuckets: FlowBuckets | ClusteripBuckets;
  readonly #core: CoreThread;
  readonly #announcer: Announcer;
  readonly #keys: NodeKeys;
  readonly #replication: Replication;
  readonly #ownAddresses: OwnAddresses;
  readonly #health: HealthWatch;
  readonly #reload: DaemonReload;
  readonly #load = new LoadMeter();
  readonly #events: EventRing;
  readonly #metrics: MetricsServer;
  readonly #joins: JoinService;
  readonly #vitals: VitalSigns;

  constructor(
    { config, keys, clusterip }: {
      config: Config;
      keys: KeyRing;
      clusterip: ClusteripSetup | null;
    },
    machine: Machine,
    attachment: ChosenDatapath,
    log: Log,
    events: EventRing,
  ) {
    this.#config = config;
    this.#attachment = attachment;
    this.#log = log;
    this.#flowBuckets = clusterip === null
      ? new FlowBuckets({ seed: bucketSeed(keys), shares: config.shares })
      : new ClusteripBuckets(clusterip);
    this.#events = events;
    const { listen } = config.metrics;
    this.#metrics = serveMetrics({ listen, status: () => this.#status(), events, log });
    this.#vitals = new VitalSigns(machine.replicationAddresses);
    this.#ownAddresses = new OwnAddresses(config);
    this.#health = new HealthWatch(config, (input) => this.#core.input(input), log);
    const self = {
      name: config.node.name,
      incarnation: toHex(crypto.getRandomValues(new Uint8Array(incarnationBytes))),
    };
    const { intervalMs, multiplier } = config.detection;
    const shared = new AddressList(sharedAddresses(config));
    // Every node of CLUSTERIP answers for the shared addresses, whoever serves.
    const shares = clusterip === null ? config.shares.map((s) => datapathShare(s, keys)) : [];
    const firstVerdictMs = verdictMs(config.checks);
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
      isService: (bytes, offset, length) => shared.has(bytes, offset, length),
      report: (report) => this.#core.input({ kind: "replication", report }),
      log: (line) => this.#log.repeated("info", line, { event: "replication" }),
    });
    this.#keys = new NodeKeys(self.name, config.cluster.keyFile, keys, {
      apply: async (ring) => {
        await this.#core.keys(ring);
        this.#replication.useKeys(ring);
      },
      heardKeyIds: () => this.#core.keys(null),
      ask: (node, request) => this.#forward(node, request),
      log: (message, fields) => this.#log.info(message, { event: "keys", ...fields }),
    });
    this.#core = new CoreThread({
      options: {
        ...self,
        weight: config.node.weight,
        drainTimeoutMs: config.node.drainTimeoutMs,
        intervalMs,
        multiplier,
        flapHalfLifeMs: config.detection.flapHalfLifeMs,
        partition: config.cluster.partition,
        nodes: config.cluster.nodes ?? 1,
        backups: config.replication.backups,
        configDigest: configDigest(config, keys, clusterip),
        topics: configTopics(config, keys, clusterip),
        ...(firstVerdictMs === undefined ? {} : { verdictMs: firstVerdictMs }),
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
      probes: shares.flatMap(({ mac: clusterMac }, i) =>
        machine.probes.filter(({ share }) => share === i).map((each) => ({ ...each, clusterMac }))
      ),
      steering: attachment.steering,
    }, {
      started: (scheduling) => {
        this.#vitals.scheduling = scheduling;
        this.#log.info("the core runs", { event: "core", scheduling });
      },
      orders: (orders) => {
        this.#keys.noteOrders(orders);
        this.#replication.order(orders);
      },
      release: (order, offAt) => this.#replication.release(order, offAt),
      event: (event) => {
        this.#logEvent(event);
        this.#announcer.event(event);
      },
      carrier: (interfaceIndex) => this.#announcer.carrier(interfaceIndex),
      execute: (order) => this.#execute(order),
      configured: (effect) => this.#reload.configured(effect),
    });
    this.#announcer = new Announcer({
      shares: shares.map((share) => ({
        ...share,
        device: attachment.devices?.get(share.interface) ?? share.interface,
      })),
      seed: bucketSeed(keys),
      owners: () => this.#core.snapshot(),
      log,
    });
    this.#joins = new JoinService({
      config: () => this.#config,
      members: async () => (await this.#core.snapshot()).members.map(({ name }) => name),
      log,
    });
    this.#reload = new DaemonReload(config, {
      ...{ clusterip, log, core: this.#core, keys: this.#keys },
      ...{ health: this.#health, metrics: this.#metrics, replication: this.#replication, machine },
      forward: (node, request) => this.#forward(node, request),
      used: (used) => this.#config = used,
    });
  }

  /** Until the core has left; rejects when a part of the daemon failed. */
  async run(): Promise<void> {
    const leave = this.#leaveOnSignal();
    const watching = new AbortController();
    const reload = () => this.#reload.onSignal();
    Deno.addSignalListener("SIGHUP", reload);
    const refresh = setInterval(() => this.#ownAddresses.refresh(), ownAddressesEveryMs);
    const meter = setInterval(() => this.#readLoad(), loadEveryMs);
    notifyServiceManager("READY=1");
    watchService(async () => statusLine(await this.#core.snapshot()), watching.signal);
    this.#joins.look();
    const { name, weight } = this.#config.node;
    this.#log.info("started", {
      event: "started",
      node: name,
      cluster: this.#config.cluster.name,
      weight,
    });
    try {
      const replication = this.#replication.run().then(() => this.#core.done);
      const health = this.#health.run(watching.signal).then(() => this.#core.done);
      const metrics = this.#metrics.run().then(() => this.#core.done);
      await Promise.race([this.#core.done, replication, health, metrics, leave.forced]);
    } finally {
      watching.abort();
      this.#metrics.close();
      Deno.removeSignalListener("SIGHUP", reload);
      clearInterval(refresh);
      clearInterval(meter);
      leave.dispose();
    }
  }

  async close(): Promise<void> {
    notifyServiceManager("STOPPING=1");
    this.#joins.close();
    this.#announcer.close();
    this.#core.close();
    await this.#replication.close();
  }

  async answer(request: ControlRequest): Promise<unknown> {
    switch (request.command) {
      case "status":
        return await this.#status();
      case "vitals":
        return this.#vitals.read(this.#config);
      case "who":
        return await this.#who(request);
      case "drain":
      case "resume":
        this.#core.input({ kind: request.command });
        return {};
      case "weight":
        this.#core.input({ kind: "weight", weight: request.weight });
        this.#log.info("the weight was set", { event: "weight", weight: request.weight });
        return {};
      case "planning":
        return (await this.#core.snapshot()).planning;
      case "joins":
        return await this.#joins.status();
      case "balance":
        return await this.#balance(request.owners);
      case "keys":
        return await this.#keys.answer(request);
      case "reload":
        return await this.#reload.answer(request);
      case "reloadCluster":
        return await this.#reload.cluster(request);
      case "events":
        return this.#events.answer(request);
      case "forward":
        return await this.#forward(request.node, request.request);
    }
  }

  /** Lets the next plan move buckets; only the planner's own plan can. */
  async #balance(owners: Readonly<Record<string, readonly number[]>>): Promise<unknown> {
    const { planner } = (await this.#core.snapshot()).planning;
    if (planner !== this.#config.node.name) {
      const who = planner === null ? "nobody plans now" : `ask ${planner}, which plans`;
      throw new AvailError(`balance: ${this.#config.node.name} does not plan; ${who}`);
    }
    const wished = Object.entries(owners).flatMap(([name, buckets]) =>
      buckets.map((bucket) => [bucket, name] as const)
    );
    this.#log.info("buckets are to move for balance", { event: "balance", buckets: wished.length });
    this.#core.input({ kind: "balance", owners: wished });
    return {};
  }

  async #forward(node: string, request: ForwardableRequest): Promise<unknown> {
    if (node === this.#config.node.name) return await this.answer(request);
    return resultOf(node, await this.#core.forward(node, JSON.stringify(request)));
  }

  /** Does what another node asks for. */
  async #execute(order: Extract<ForwardingEffect, { kind: "execute" }>): Promise<void> {
    const { node, incarnation, id } = order;
    const asked = { event: "asked", node };
    const answer = await answerTo(order.request, (request) => {
      const { command } = request;
      const fields = { ...asked, command };
      // Whoever watches the cluster asks for the status all the time.
      if (command === "status") this.#log.repeated("info", `${node} asks for the status`, fields);
      else if (!toldElsewhere.includes(command) || asksForReload(request)) {
        this.#log.info("asked by another node", fields);
      }
      return this.answer(request);
    }, (why) => this.#log.repeated("warn", `refused what ${node} asked for: ${why}`, asked));
    this.#core.input({ kind: "executed", incarnation, id, answer });
  }

  #readLoad(): BucketLoad | null {
    return this.#load.read(this.#attachment.bucketCounters(), now());
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
        totals: this.#replication.totals(),
      },
      backend: this.#attachment.backend,
      why: this.#attachment.why,
      weaker: this.#attachment.weaker,
      counters: this.#attachment.counters(),
      load: this.#readLoad(),
      checks: this.#health.status(now()),
      interfaces: [...this.#config.shares, ...this.#config.links].map((each) => each.interface),
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
    const told = { event: name, ...fields };
    if (name === "late") {
      this.#vitals.noteLate(fields.lateMs);
      this.#log.repeated(severity, "this process was not run in time", told);
    } else this.#log.write(severity, text, told);
  }

  /** SIGTERM or SIGINT: hand over, then end. A second one, or too long a wait: end at once. */
  #leaveOnSignal(): { readonly forced: Promise<void>; dispose(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const leave = () => {
      if (timer !== undefined) return resolve();
      this.#log.info("leaving: handing over", { event: "leaving" });
      this.#core.input({ kind: "leave" });
      const waitedMs = leaveMsMax + this.#config.node.drainTimeoutMs;
      tellLeaving(waitedMs);
      timer = setTimeout(() => {
        this.#log.warn("leaving without handing over everything", { event: "leaving", waitedMs });
        resolve();
      }, waitedMs);
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

/** The rest of a reload follows from these. */
function asksForReload(request: ForwardableRequest): boolean {
  return request.command === "reload" && (request.do === "apply" || request.do === "stage");
}

/** This node's own addresses; few, and asked for with every flow. */
class OwnAddresses {
  #known = new AddressList([]);

  constructor(readonly config: Config) {
    this.refresh();
  }

  refresh(): void {
    this.#known = new AddressList(readOwnAddresses(this.config));
  }

  has(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#known.has(bytes, offset, length);
  }
}

function tellDatapath(log: Log, attachment: ChosenDatapath): void {
  const { backend, why, weaker, modes, adopted } = attachment;
  log.info("datapath chosen", { event: "datapath", backend, why });
  const event = "datapath";
  for (const sentence of weaker ?? []) log.warn(`${backend} is weaker: ${sentence}`, { event });
  for (const [name, mode] of modes) log.info("datapath attached", { event, interface: name, mode });
  if (adopted !== null) {
    const leaseMs = Math.round(adopted.leaseUntil - now());
    log.info("adopted a datapath", {
      event: "adopted",
      buckets: adopted.responsibility.size,
      ...(Number.isFinite(leaseMs) ? { leaseMs } : {}),
    });
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
