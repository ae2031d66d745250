/**
 * A few cores on one simulated clock, over a network that somebody listens to: every message is kept,
 * and can be said again, to whom and whenever a test likes. The network loses nothing and the
 * replication is at once; what matters here is only who believes whom.
 */
import type { ForwardingEffect } from "../../lib/forwarding/forwarding.ts";
import { Node } from "../../lib/node.ts";
import type { CoreEvent, Effect, Input } from "../../lib/node_types.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";

export interface Recorded {
  readonly at: number;
  readonly incarnation: string;
  readonly message: Uint8Array;
}

interface Machine {
  readonly name: string;
  readonly incarnation: string;
  readonly core: Node;
  readonly events: CoreEvent[];
  readonly executed: Extract<ForwardingEffect, { kind: "execute" }>[];
  held: BucketSet;
  leaseUntil: number;
}

export const intervalMs = 100;
export const detectionMs = 300;
const stepMs = 5;

export class TappedCluster {
  now = 1000;
  readonly machines = new Map<string, Machine>();
  readonly tape: Recorded[] = [];
  #starts = 0;
  #waiting: (() => void)[] = [];
  #replays: { readonly to: string; readonly recorded: readonly Recorded[]; at: number }[] = [];

  start(name: string): void {
    const incarnation = (++this.#starts).toString(16).padStart(32, "0");
    const core = new Node({
      name,
      incarnation,
      weight: 1,
      intervalMs,
      multiplier: detectionMs / intervalMs,
      partition: "serve",
      nodes: 4,
      backups: 1,
      configDigest: "0123456789abcdef",
      shares: 1,
      links: 0,
      addresses: [],
      clockStepMs: 0.001,
      listenMs: 3000,
      adopted: null,
    }, this.now);
    const held = BucketSet.empty();
    const machine = { name, incarnation, core, events: [], executed: [], held, leaseUntil: 0 };
    this.machines.set(name, machine);
    this.input(name, { kind: "tick" });
  }

  kill(name: string): void {
    this.machines.delete(name);
  }

  restart(name: string): void {
    this.kill(name);
    this.start(name);
  }

  machine(name: string): Machine {
    return this.machines.get(name)!;
  }

  incarnation(name: string): string {
    return this.machine(name).incarnation;
  }

  members(name: string): string[] {
    return this.machine(name).core.snapshot(this.now).members.map((member) => member.name);
  }

  /** Buckets that it handles now. */
  load(name: string): number {
    const { held, leaseUntil } = this.machine(name);
    return this.now < leaseUntil ? held.size : 0;
  }

  epoch(name: string): number {
    return this.machine(name).core.snapshot(this.now).epoch;
  }

  refused(name: string, reason: string): number {
    return this.machine(name).core.snapshot(this.now).refused[reason] ?? 0;
  }

  input(name: string, input: Input): void {
    const machine = this.machines.get(name);
    if (machine === undefined) return;
    for (const effect of machine.core.step(input, this.now)) this.#carryOut(machine, effect);
  }

  /** Says what was recorded again, at the pace in which it was said; over and over if told so. */
  replay(to: string, recorded: readonly Recorded[], isRepeated = false): void {
    const first = recorded[0].at;
    const lengthMs = recorded.at(-1)!.at - first + intervalMs;
    const rounds = isRepeated ? 50 : 1;
    for (let round = 0; round < rounds; round++) {
      this.#replays.push({ to, recorded, at: this.now + 1 + round * lengthMs - first });
    }
  }

  stopReplays(): void {
    this.#replays = [];
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += stepMs;
      for (const act of this.#waiting.splice(0)) act();
      for (const { to, recorded, at } of this.#replays) {
        for (const { at: said, incarnation, message } of recorded) {
          if (said + at <= this.now - stepMs || said + at > this.now) continue;
          this.input(to, { kind: "message", incarnation, interfaceIndex: 0, message });
        }
      }
      for (const { name, core } of [...this.machines.values()]) {
        if (this.now >= core.deadline) this.input(name, { kind: "tick" });
      }
    }
  }

  /** false: it did not come true in this time. */
  runUntil(isSo: () => boolean, ms: number): boolean {
    for (const end = this.now + ms; !isSo();) {
      if (this.now >= end) return false;
      this.run(stepMs);
    }
    return true;
  }

  #carryOut(machine: Machine, effect: Effect): void {
    const { name, incarnation } = machine;
    switch (effect.kind) {
      case "send": {
        const { message } = effect;
        this.tape.push({ at: this.now, incarnation, message });
        for (const other of this.machines.values()) {
          if (other === machine) continue;
          this.#soon(other, { kind: "message", incarnation, interfaceIndex: 0, message });
        }
        return;
      }
      case "responsibility":
        machine.held = effect.buckets.clone();
        return;
      case "lease":
        machine.leaseUntil = effect.until;
        return;
      case "event":
        machine.events.push(effect.event);
        return;
      case "execute":
        machine.executed.push(effect);
        return;
      case "orders":
        for (const peer of effect.orders.peers) {
          const told = { peer: peer.name, incarnation: peer.incarnation };
          const proven = { kind: "proven", ...told, proven: peer.holds } as const;
          this.#soon(machine, { kind: "replication", report: proven });
          const other = this.machines.get(peer.name);
          const report = { kind: "bulkReceived", peer: name, incarnation } as const;
          if (other?.incarnation === peer.incarnation) {
            this.#soon(other, { kind: "replication", report });
          }
        }
        return;
      case "release": {
        const { to, buckets, epoch } = effect.order;
        const other = this.machines.get(to);
        const released = { kind: "released", peer: name, incarnation, buckets, epoch } as const;
        if (other !== undefined) this.#soon(other, { kind: "replication", report: released });
        const done = { kind: "releaseDone", peer: to, buckets, epoch } as const;
        const report = { ...done, acknowledged: other !== undefined };
        this.#soon(machine, { kind: "replication", report });
        return;
      }
      default:
        return;
    }
  }

  #soon(to: Machine, input: Input): void {
    this.#waiting.push(() => {
      if (this.machines.get(to.name) === to) this.input(to.name, input);
    });
  }
}
