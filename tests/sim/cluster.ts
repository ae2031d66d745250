/**
 * A whole cluster on one thread and on one simulated time: cores, clocks, a network, datapaths with
 * leases, and a replication that needs time. Everything follows from one seed.
 */
import { parseControlRequest } from "../../lib/control_request.ts";
import type { ControlRequest } from "../../lib/control.ts";
import { Node } from "../../lib/node.ts";
import type { Effect, HealthInput, Input, NodeOptions, Snapshot } from "../../lib/node_types.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { WishedOwners } from "../../lib/ownership/wish.ts";
import type { ReplicationReport } from "../../lib/ports.ts";
import type { SettingsEffect, SettingsInput } from "../../lib/reload/settings.ts";
import { Checks } from "./checks.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { Queue } from "./queue.ts";
import { Random } from "./random.ts";
import { Streams } from "./streams.ts";

export interface ClusterOptions {
  readonly seed: number;
  readonly names: readonly string[];
  readonly intervalMs?: number;
  readonly multiplier?: number;
  readonly partition?: "serve" | "majority";
  readonly backups?: number | "all";
  readonly shares?: number;
  readonly links?: number;
  readonly listenMs?: number;
  /** Probability that a datagram is lost on one interface. */
  readonly loss?: number;
  /** Probability that it comes twice. */
  readonly repeat?: number;
  readonly delayMsMax?: number;
  /** Clocks differ, and run at rates that differ by at most this part. */
  readonly drift?: number;
  readonly units?: number;
  /** How often flows change. */
  readonly trafficMs?: number;
  /** As `NodeOptions.drainTimeoutMs`. */
  readonly drainTimeoutMs?: number;
  /** Datapaths may be on before their daemons. */
  readonly inPlace?: boolean;
  /** As `NodeOptions.flapHalfLifeMs`; by default nobody is damped. */
  readonly flapHalfLifeMs?: number;
  /** What single nodes have of their own. */
  readonly configure?: (name: string) => Partial<NodeOptions>;
  /** A node uses settings that it was given. */
  readonly configured?: (name: string, effect: SettingsEffect) => void;
}

/** Flows change at so many buckets each time. */
const trafficBuckets = 8;

export class Cluster {
  now = 1000;
  readonly random: Random;
  readonly machines: Machine[];
  readonly network: Network;
  readonly checks: Checks;
  readonly intervalMs: number;
  readonly multiplier: number;
  readonly partition: "serve" | "majority";
  readonly interfaces: number;
  readonly #streams: Streams;
  readonly #queue = new Queue();

  constructor(readonly options: ClusterOptions) {
    this.random = new Random(options.seed);
    this.intervalMs = options.intervalMs ?? 100;
    this.multiplier = options.multiplier ?? 3;
    this.partition = options.partition ?? "serve";
    this.interfaces = (options.shares ?? 2) + (options.links ?? 1);
    this.machines = options.names.map((name, i) => new Machine(name, i));
    const { drift } = options;
    if (drift !== undefined) {
      for (const machine of this.machines) {
        machine.setClock(this.random.below(1e7), 1 + drift * (2 * this.random.next() - 1));
      }
    }
    this.network = new Network({
      nodes: this.machines.length,
      interfaces: this.interfaces,
      loss: options.loss ?? 0,
      repeat: options.repeat ?? 0,
      delayMsMax: options.delayMsMax ?? 0.5,
    });
    this.checks = new Checks(this);
    this.#streams = new Streams(this);
    this.#changeFlows();
  }

  get detectionMs(): number {
    return this.intervalMs * this.multiplier;
  }

  get violations(): readonly string[] {
    return this.checks.violations;
  }

  get gapMsMax(): number {
    return this.checks.gapMsMax;
  }

  machine(name: string): Machine {
    return this.machines.find((machine) => machine.name === name)!;
  }

  // ---- what happens to machines

  /** `version`: of the protocol, from now on. */
  start(name: string, version?: 1 | 2): void {
    const machine = this.machine(name);
    machine.version = version ?? machine.version;
    const now = machine.clock(this.now);
    machine.generation++;
    machine.wakesAt = Infinity;
    machine.ranUntil = Infinity;
    machine.runsSince = this.now;
    machine.incarnation = this.random.hex(16);
    machine.stopped = false;
    machine.paused = false;
    machine.frozen = false;
    machine.backlog.length = 0;
    machine.sent.heartbeats.length = 0;
    machine.sent.plans.length = 0;
    const adopted = machine.leaseUntil > now
      ? { responsibility: machine.responsibility.clone(), leaseUntil: machine.leaseUntil }
      : null;
    const { options } = this;
    const nodeOptions: NodeOptions = {
      name,
      incarnation: machine.incarnation,
      weight: 1,
      intervalMs: this.intervalMs,
      multiplier: this.multiplier,
      partition: this.partition,
      nodes: this.machines.length,
      backups: options.backups ?? 1,
      configDigest: "0123456789abcdef",
      shares: options.shares ?? 2,
      links: options.links ?? 1,
      addresses: [new Uint8Array([10, 0, 0, machine.index + 1])],
      clockStepMs: 0.000001,
      listenMs: options.listenMs ?? 3000,
      adopted,
      drainTimeoutMs: options.drainTimeoutMs ?? 0,
      version: machine.version,
      flapHalfLifeMs: options.flapHalfLifeMs ?? 0,
      ...(options.units === undefined ? {} : { units: options.units }),
      ...(options.inPlace === undefined ? {} : { inPlace: options.inPlace }),
      ...options.configure?.(name),
    };
    machine.core = new Node(nodeOptions, now);
    this.#input(machine, { kind: "tick" });
  }

  /** Power loss: core and datapath are gone, and the flows with them. */
  kill(name: string): void {
    this.crash(name);
    const machine = this.machine(name);
    machine.responsibility = BucketSet.empty();
    machine.leaseUntil = 0;
    machine.flows.fill(0);
    this.checks.lost(machine);
  }

  /** The daemon dies; its datapath stays, and goes on until its lease ends. */
  crash(name: string): void {
    const machine = this.machine(name);
    machine.core = null;
    machine.generation++;
    machine.ranUntil = Math.min(machine.ranUntil, this.now);
    this.checks.changed();
  }

  /** The daemon hangs; its datapath goes on until the lease ends. */
  pause(name: string): void {
    const machine = this.machine(name);
    machine.paused = true;
    machine.ranUntil = Math.min(machine.ranUntil, this.now);
  }

  /** The whole machine stands still. */
  freeze(name: string): void {
    const machine = this.machine(name);
    machine.frozen = true;
    machine.ranUntil = Math.min(machine.ranUntil, this.now);
    this.checks.changed();
  }

  /** A daemon or machine that stood still goes on. */
  resume(name: string): void {
    const machine = this.machine(name);
    machine.paused = false;
    machine.frozen = false;
    machine.stoodStillAt = machine.ranUntil;
    machine.ranUntil = Infinity;
    machine.runsSince = this.now;
    this.checks.changed();
    for (const input of machine.backlog.splice(0)) this.#input(machine, input);
    this.#input(machine, { kind: "tick" });
  }

  command(name: string, kind: "drain" | "resume" | "leave"): void {
    this.#input(this.machine(name), { kind });
  }

  /** What the replication of a node tells it. */
  report(name: string, report: ReplicationReport): void {
    this.tellCore(this.machine(name), report);
  }

  weigh(name: string, weight: number): void {
    this.#input(this.machine(name), { kind: "weight", weight });
  }

  /** Owners that an operator wants, told to one node. */
  balance(name: string, owners: WishedOwners): void {
    this.#input(this.machine(name), { kind: "balance", owners });
  }

  /** What a reload tells a node's core. */
  settings(name: string, input: SettingsInput): void {
    this.#input(this.machine(name), input);
  }

  /** `avail … --node`: what comes of it is in `forwarded`. `id` rises. */
  forward(name: string, id: number, node: string, request: ControlRequest): void {
    const text = JSON.stringify(request);
    this.#input(this.machine(name), { kind: "forward", id, node, request: text });
  }

  /** The machine found out something about the node. */
  found(name: string, input: HealthInput): void {
    this.#input(this.machine(name), input);
  }

  carrier(name: string, interfaceIndex: number, up: boolean): void {
    this.#input(this.machine(name), { kind: "carrier", interfaceIndex, up });
  }

  // ---- what happens to the network

  /** One direction, by all interfaces or by one: `a>b`, `a>b@0`. */
  cut(direction: string): void {
    const [, from, to, interfaceIndex] = /^(.*)>([^@]*)(?:@(.*))?$/.exec(direction)!;
    const bits = interfaceIndex === undefined ? undefined : 1 << Number(interfaceIndex);
    this.network.cut(this.machine(from).index, this.machine(to).index, bits);
  }

  /** All cuts. */
  heal(): void {
    this.network.heal(this.now);
  }

  // ---- looking

  snapshot(name: string): Snapshot {
    const machine = this.machine(name);
    return machine.core!.snapshot(machine.clock(this.now));
  }

  loads(): number[] {
    return this.machines.map((machine) =>
      machine.core === null ? 0 : machine.handled(this.now)?.size ?? 0
    );
  }

  resetGaps(): void {
    this.checks.resetGaps();
  }

  // ---- time

  /** Runs for a simulated time. */
  run(durationMs: number): void {
    const end = this.now + durationMs;
    while (this.#queue.nextAt <= end) {
      this.now = Math.max(this.now, this.#queue.nextAt);
      this.#queue.take()();
      this.checks.look();
    }
    this.now = Math.max(this.now, end);
  }

  /** Runs until the condition holds; false when it did not within the time. */
  runUntil(condition: () => boolean, withinMs: number, everyMs = 5): boolean {
    const end = this.now + withinMs;
    while (!condition()) {
      if (this.now >= end) return false;
      this.run(Math.min(everyMs, end - this.now));
    }
    return true;
  }

  later(ms: number, run: () => void): void {
    this.#queue.add(this.now + ms, run);
  }

  tellCore(to: Machine, report: ReplicationReport): void {
    this.#input(to, { kind: "replication", report });
  }

  #changeFlows(): void {
    for (let i = 0; i < trafficBuckets; i++) {
      const bucket = this.random.below(256);
      const machine = this.machines[this.checks.handlerOf(bucket)];
      if (machine?.handles(bucket, this.now)) this.#streams.change(machine, bucket);
    }
    this.later(this.options.trafficMs ?? 20, () => this.#changeFlows());
  }

  #input(machine: Machine, input: Input): void {
    if (machine.core === null || machine.stopped) return;
    if (machine.paused || machine.frozen) {
      // A process finds in its sockets what came meanwhile; a machine that stood still has missed it.
      if (!machine.frozen || input.kind !== "message") machine.backlog.push(input);
      return;
    }
    const now = machine.clock(this.now);
    if (input.kind === "replication") this.#streams.noticed(machine, input.report);
    for (const effect of machine.core.step(input, now)) this.#carryOut(machine, effect);
    this.#wakeInTime(machine);
  }

  /** A tick when the core's deadline has come, at most a millisecond late. */
  #wakeInTime(machine: Machine): void {
    const { generation, core } = machine;
    if (core === null) return;
    const due = machine.whenClockShows(Math.max(core.deadline, machine.clock(this.now)));
    if (machine.wakesAt <= due + 1) return;
    const at = due + this.random.next();
    machine.wakesAt = at;
    this.#queue.add(at, () => {
      if (machine.generation !== generation || machine.wakesAt !== at) return;
      machine.wakesAt = Infinity;
      if (core.deadline <= machine.clock(this.now)) this.#input(machine, { kind: "tick" });
      else this.#wakeInTime(machine); // a later step has moved it
    });
  }

  #carryOut(machine: Machine, effect: Effect): void {
    switch (effect.kind) {
      case "send":
        return this.#broadcast(machine, effect.message);
      case "responsibility":
        machine.responsibility = effect.buckets.clone();
        return this.checks.changed();
      case "lease": {
        const now = machine.clock(this.now);
        // A lease that is only moved on changes nothing about who handles what.
        if (machine.leaseUntil <= now || effect.until <= now) this.checks.changed();
        machine.leaseUntil = effect.until;
        return;
      }
      case "event":
        machine.events.push({ at: this.now, event: effect.event });
        // Its farewells are still to come; nobody counts on it any more.
        if (effect.event.fields.state === "left") machine.ranUntil = this.now;
        return;
      case "orders":
        machine.orders = effect.orders;
        return this.#streams.follow(machine);
      case "release":
        this.checks.ordered(effect.order.buckets);
        return this.#streams.release(machine, effect.order);
      case "stopped":
        machine.stopped = true;
        return;
      case "probe":
        return;
      case "forwarded":
        machine.forwarded.set(effect.id, effect.outcome);
        return;
      case "configured":
        return this.options.configured?.(machine.name, effect);
      case "execute":
        return this.#execute(machine, effect);
    }
  }

  /** As the daemon does: the order is carried out, then answered. */
  #execute(
    machine: Machine,
    { incarnation, id, request }: Extract<Effect, { kind: "execute" }>,
  ): void {
    const { generation } = machine;
    machine.executed.push(request);
    this.later(this.random.next() * 5, () => {
      if (machine.generation !== generation) return;
      const order = parseControlRequest(request);
      if (order.command === "drain" || order.command === "resume") {
        this.command(machine.name, order.command);
      } else if (order.command === "weight") this.weigh(machine.name, order.weight);
      const answer = `{"ok":true,"result":{}}`;
      this.#input(machine, { kind: "executed", incarnation, id, answer });
    });
  }

  #broadcast(from: Machine, message: Uint8Array): void {
    this.checks.sent(from, message);
    const { incarnation } = from;
    for (const to of this.machines) {
      if (to === from) continue;
      for (let interfaceIndex = 0; interfaceIndex < this.interfaces; interfaceIndex++) {
        const times = this.network.arrivals(from.index, to.index, interfaceIndex, this.random);
        for (const ms of times) {
          const { generation } = to;
          this.later(ms, () => {
            if (to.generation !== generation) return;
            this.checks.reached(incarnation, to.incarnation);
            this.#input(to, { kind: "message", incarnation, interfaceIndex, message });
          });
        }
      }
    }
  }
}
