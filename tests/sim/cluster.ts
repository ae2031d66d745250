/**
 * A whole cluster on one thread and on one simulated clock: cores, a network that loses and delays,
 * datapaths with leases, and a replication that needs time. Everything follows from one seed.
 */
import { Node } from "../../lib/node.ts";
import type { CoreEvent, Effect, Input, NodeOptions, Snapshot } from "../../lib/node_types.ts";
import { bucketCount, BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { Millis, ReplicationOrders } from "../../lib/ports.ts";
import { Random } from "./random.ts";

export interface ClusterOptions {
  readonly seed: number;
  readonly names: readonly string[];
  readonly intervalMs?: number;
  readonly multiplier?: number;
  readonly partition?: "serve" | "majority";
  readonly backups?: number | "all";
  /** Probability that a datagram is lost on one interface. */
  readonly loss?: number;
  readonly units?: number;
  /** Datapaths may be on before their daemons. */
  readonly inPlace?: boolean;
}

interface Scheduled {
  readonly at: Millis;
  readonly order: number;
  readonly run: () => void;
}

/** One machine: its core, and the kernel below it. */
export class Machine {
  core: Node | null = null;
  incarnation = "";
  /** The datapath: it outlives a core that crashes. */
  responsibility = BucketSet.empty();
  leaseUntil: Millis = 0;
  orders: ReplicationOrders | null = null;
  paused = false;
  stopped = false;
  /** A core that was started ignores what was meant for the one before. */
  generation = 0;
  readonly events: { at: Millis; event: CoreEvent }[] = [];
  readonly backlog: Input[] = [];
  readonly told = new Map<string, string>();

  constructor(readonly name: string, readonly index: number) {}

  handles(bucket: number, now: Millis): boolean {
    return now < this.leaseUntil && this.responsibility.has(bucket);
  }
}

export class Cluster {
  now: Millis = 1000;
  readonly random: Random;
  readonly machines: Machine[];
  /** Directed cuts, `from>to@interface`, or `from>to` for all interfaces. */
  readonly cuts = new Set<string>();
  /** Every moment at which two valid leases met on one bucket, and who they were. */
  readonly violations: string[] = [];
  /** Time during which some bucket was handled by nobody, since `resetGaps`. */
  gapMsMax = 0;
  #gapSince: (Millis | null)[] = new Array(bucketCount).fill(null);
  /** Which start has ever reached which. */
  readonly #reached = new Set<string>();
  /** Who handles what may differ from the last check. */
  #handlingChanged = true;
  #nextExpiry: Millis = 0;
  #queue: Scheduled[] = [];
  #order = 0;
  readonly intervalMs: number;
  readonly multiplier: number;
  readonly interfaces = 3;

  constructor(readonly options: ClusterOptions) {
    this.random = new Random(options.seed);
    this.intervalMs = options.intervalMs ?? 100;
    this.multiplier = options.multiplier ?? 3;
    this.machines = options.names.map((name, i) => new Machine(name, i));
  }

  get detectionMs(): number {
    return this.intervalMs * this.multiplier;
  }

  machine(name: string): Machine {
    return this.machines.find((machine) => machine.name === name)!;
  }

  start(name: string): void {
    const machine = this.machine(name);
    machine.generation++;
    machine.incarnation = this.random.hex(16);
    machine.stopped = false;
    machine.paused = false;
    machine.backlog.length = 0;
    machine.told.clear();
    const adopted = machine.leaseUntil > this.now
      ? { responsibility: machine.responsibility.clone(), leaseUntil: machine.leaseUntil }
      : null;
    const options: NodeOptions = {
      name,
      incarnation: machine.incarnation,
      weight: 1,
      intervalMs: this.intervalMs,
      multiplier: this.multiplier,
      partition: this.options.partition ?? "serve",
      backups: this.options.backups ?? 1,
      configDigest: "0123456789abcdef",
      shares: 2,
      links: 1,
      addresses: [new Uint8Array([10, 0, 0, machine.index + 1])],
      clockStepMs: 0.000001,
      listenMs: 3000,
      adopted,
      ...(this.options.units === undefined ? {} : { units: this.options.units }),
      ...(this.options.inPlace === undefined ? {} : { inPlace: this.options.inPlace }),
    };
    machine.core = new Node(options, this.now);
    this.#input(machine, { kind: "tick" });
  }

  /** Power loss: core and datapath are gone. */
  kill(name: string): void {
    this.crash(name);
    this.machine(name).responsibility = BucketSet.empty();
    this.machine(name).leaseUntil = 0;
  }

  /** The daemon dies; its datapath stays, and goes on until its lease ends. */
  crash(name: string): void {
    const machine = this.machine(name);
    machine.core = null;
    machine.generation++;
    this.#handlingChanged = true;
  }

  /** The daemon hangs; its datapath goes on until the lease ends. */
  pause(name: string): void {
    this.machine(name).paused = true;
  }

  resume(name: string): void {
    const machine = this.machine(name);
    machine.paused = false;
    for (const input of machine.backlog.splice(0)) this.#input(machine, input);
    this.#input(machine, { kind: "tick" });
  }

  command(name: string, kind: "drain" | "resume" | "leave"): void {
    this.#input(this.machine(name), { kind });
  }

  carrier(name: string, interfaceIndex: number, up: boolean): void {
    this.#input(this.machine(name), { kind: "carrier", interfaceIndex, up });
  }

  snapshot(name: string): Snapshot {
    return this.machine(name).core!.snapshot(this.now);
  }

  loads(): number[] {
    return this.machines.map((machine) =>
      machine.core === null || this.now >= machine.leaseUntil ? 0 : machine.responsibility.size
    );
  }

  resetGaps(): void {
    this.#handlingChanged = true;
    this.gapMsMax = 0;
    this.#gapSince = new Array(bucketCount).fill(null);
  }

  /** Runs for a simulated time. */
  run(durationMs: number): void {
    const end = this.now + durationMs;
    while (this.#queue.length > 0 && this.#queue[0].at <= end) {
      const next = this.#pop();
      this.#advance(next.at);
      next.run();
      this.#check();
    }
    this.#advance(end);
  }

  /** Runs until the condition holds; false when it did not within the time. */
  runUntil(condition: () => boolean, withinMs: number): boolean {
    const end = this.now + withinMs;
    while (!condition()) {
      if (this.now >= end) return false;
      this.run(Math.min(5, end - this.now));
    }
    return true;
  }

  #advance(to: Millis): void {
    this.now = Math.max(this.now, to);
  }

  #schedule(at: Millis, run: () => void): void {
    const item = { at, order: this.#order++, run };
    let low = 0, high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#queue[middle].at <= at) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, item);
  }

  #pop(): Scheduled {
    return this.#queue.shift()!;
  }

  #input(machine: Machine, input: Input): void {
    if (machine.core === null || machine.stopped) return;
    if (machine.paused) {
      machine.backlog.push(input);
      return;
    }
    for (const effect of machine.core.step(input, this.now)) this.#carryOut(machine, effect);
    const generation = machine.generation;
    const due = machine.core.deadline;
    this.#schedule(Math.max(due, this.now) + this.random.next(), () => {
      if (machine.generation !== generation || machine.core === null) return;
      if (machine.core.deadline > this.now) return; // a later step has moved it
      this.#input(machine, { kind: "tick" });
    });
  }

  #carryOut(machine: Machine, effect: Effect): void {
    switch (effect.kind) {
      case "send":
        return this.#broadcast(machine, effect.message);
      case "responsibility":
        machine.responsibility = effect.buckets.clone();
        this.#handlingChanged = true;
        return;
      case "lease":
        // A lease that is only moved on changes nothing about who handles what.
        if (machine.leaseUntil <= this.now || effect.until <= this.now) {
          this.#handlingChanged = true;
        }
        machine.leaseUntil = effect.until;
        return;
      case "event":
        machine.events.push({ at: this.now, event: effect.event });
        return;
      case "orders":
        machine.orders = effect.orders;
        return this.#replicate(machine);
      case "release":
        return this.#release(machine, effect.order.to, effect.order.buckets, effect.order.epoch);
      case "stopped":
        machine.stopped = true;
        return;
      case "probe":
        return;
    }
  }

  hears(to: string, from: string, interfaceIndex: number): boolean {
    return !this.cuts.has(`${from}>${to}`) && !this.cuts.has(`${from}>${to}@${interfaceIndex}`);
  }

  #broadcast(from: Machine, message: Uint8Array): void {
    for (const to of this.machines) {
      if (to === from) continue;
      for (let interfaceIndex = 0; interfaceIndex < this.interfaces; interfaceIndex++) {
        if (!this.hears(to.name, from.name, interfaceIndex)) continue;
        if (this.random.chance(this.options.loss ?? 0)) continue;
        const generation = to.generation;
        const { incarnation } = from;
        this.#schedule(this.now + 0.05 + this.random.next() * 0.5, () => {
          if (to.generation !== generation) return;
          this.#reached.add(`${incarnation}>${to.incarnation}`);
          this.#input(to, { kind: "message", incarnation, interfaceIndex, message });
        });
      }
    }
  }

  /** Streams work while both directions do on any interface. */
  #connected(a: Machine, b: Machine): boolean {
    return [0, 1, 2].some((i) => this.hears(a.name, b.name, i) && this.hears(b.name, a.name, i));
  }

  /** Proof of what is held comes after a while; so does the end of a bulk transfer. */
  #replicate(machine: Machine): void {
    const { orders, generation } = machine;
    for (const told of machine.told.keys()) { // a stream that was closed starts anew
      if (!orders!.peers.some((peer) => peer.incarnation === told)) machine.told.delete(told);
    }
    for (const peer of orders!.peers) {
      const key = peer.holds.toHex();
      if (machine.told.get(peer.incarnation) === key) continue;
      machine.told.set(peer.incarnation, key);
      const other = this.machine(peer.name);
      this.#schedule(this.now + 5 + this.random.next() * 20, () => {
        if (machine.generation !== generation || other.incarnation !== peer.incarnation) return;
        if (machine.told.get(peer.incarnation) !== key) return; // a later order replaced it
        if (!this.#connected(machine, other) || other.core === null) {
          machine.told.delete(peer.incarnation);
          return;
        }
        this.#input(machine, {
          kind: "replication",
          report: {
            kind: "proven",
            peer: peer.name,
            incarnation: peer.incarnation,
            proven: peer.holds,
          },
        });
        this.#input(other, {
          kind: "replication",
          report: {
            kind: "bulkReceived",
            peer: machine.name,
            incarnation: machine.incarnation,
          },
        });
      });
    }
  }

  #release(machine: Machine, to: string, buckets: BucketSet, epoch: number): void {
    const { generation } = machine;
    const other = this.machine(to);
    const otherGeneration = other.generation;
    this.#schedule(this.now + 2 + this.random.next() * 5, () => {
      const reaches = machine.generation === generation && other.core !== null &&
        other.generation === otherGeneration && this.#connected(machine, other);
      if (reaches) {
        this.#input(other, {
          kind: "replication",
          report: {
            kind: "released",
            peer: machine.name,
            incarnation: machine.incarnation,
            buckets,
            epoch,
          },
        });
      }
      if (machine.generation !== generation) return;
      this.#input(machine, {
        kind: "replication",
        report: { kind: "releaseDone", peer: to, buckets, epoch, acknowledged: reaches },
      });
    });
  }

  /** Runs after every event: two valid leases on one bucket, and buckets that nobody handles. */
  #check(): void {
    if (!this.#handlingChanged && this.now < this.#nextExpiry) return;
    this.#handlingChanged = false;
    const leases = this.machines.map(({ leaseUntil }) => leaseUntil);
    this.#nextExpiry = Math.min(...leases.filter((until) => until > this.now), Infinity);
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const handlers = this.machines.filter((machine) => machine.handles(bucket, this.now));
      if (handlers.length > 1) this.#checkPair(bucket, handlers);
      const since = this.#gapSince[bucket];
      if (handlers.length === 0) {
        this.#gapSince[bucket] ??= this.now;
        this.gapMsMax = Math.max(this.gapMsMax, this.now - this.#gapSince[bucket]!);
      } else if (since !== null) {
        this.gapMsMax = Math.max(this.gapMsMax, this.now - since);
        this.#gapSince[bucket] = null;
      }
    }
  }

  #running(): Machine[] {
    return this.machines.filter(({ core, paused, stopped }) =>
      core !== null && !paused && !stopped
    );
  }

  #isDeaf(machine: Machine): boolean {
    return this.#running().every((other) =>
      other === machine || [0, 1, 2].every((i) => !this.hears(machine.name, other.name, i))
    );
  }

  #checkPair(bucket: number, handlers: readonly Machine[]): void {
    for (const a of handlers) {
      for (const b of handlers) {
        const aHearsB = [0, 1, 2].some((i) => this.hears(a.name, b.name, i));
        // Starts that never heard each other both ways cannot tell a live peer from a recording.
        const met = this.#reached.has(`${a.incarnation}>${b.incarnation}`) &&
          this.#reached.has(`${b.incarnation}>${a.incarnation}`);
        // A deaf node takes over from all that it does not hear; a larger group does not yield to it.
        const deaf = this.#isDeaf(b) && this.#running().length > 2;
        if (a !== b && met && !deaf && aHearsB && this.violations.length < 20) {
          this.violations.push(
            `${this.now.toFixed(1)}: ${a.name} and ${b.name} both handle bucket ${bucket}`,
          );
        }
      }
    }
  }
}
