/**
 * The simulated replication: how new each machine's flows of a bucket are, carried in order from owners
 * to those that are to hold them, with what the real one reports to the core.
 */
import { bucketCount, BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { ReleaseOrder, ReplicationReport } from "../../lib/ports.ts";
import type { Checks } from "./checks.ts";
import type { Machine } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";

interface World {
  readonly now: number;
  readonly machines: readonly Machine[];
  readonly network: Network;
  readonly random: Random;
  readonly checks: Pick<Checks, "released" | "violate">;
  later(ms: number, run: () => void): void;
  tellCore(to: Machine, report: ReplicationReport): void;
}

/** From one start of a node to one of another; it ends with either, or when it cannot pass. */
interface Stream {
  readonly from: Machine;
  readonly to: Machine;
  readonly fromGeneration: number;
  /** Of the start to which it leads; the machine may have another one by now. */
  readonly incarnation: string;
  readonly toGeneration: number;
  holds: BucketSet;
  /** Of `holds`, those whose bulk has arrived, and all since. */
  carried: BucketSet;
  arrivesAt: number;
  /** How often it broke: what was on its way then is lost. */
  breaks: number;
}

const bulkMs = { min: 5, max: 25 };
const retryMs = 50;

export class Streams {
  readonly #streams = new Map<string, Stream>();
  /** What each core has taken notice of as proven, by the stream's key. */
  readonly #told = new Map<string, BucketSet>();
  /** The newest state of each bucket's flows anywhere. */
  readonly newest = new Float64Array(bucketCount);

  constructor(readonly world: World) {}

  /** The core of `from` has given new orders. */
  follow(from: Machine): void {
    const { peers } = from.orders!;
    for (const [key, stream] of this.#streams) {
      if (stream.from !== from) continue;
      const isWanted = peers.some((peer) => peer.incarnation === stream.incarnation);
      if (isWanted && this.#isOpen(stream)) continue;
      this.#streams.delete(key);
      if (!stream.carried.isEmpty) this.world.later(0, () => this.#disprove(stream));
    }
    for (const { name, incarnation, holds } of peers) {
      const to = this.world.machines.find((machine) => machine.name === name)!;
      const key = `${from.incarnation}>${incarnation}`;
      const known = this.#streams.get(key);
      if (known !== undefined && known.holds.equals(holds)) continue;
      const stream: Stream = known ?? {
        from,
        to,
        fromGeneration: from.generation,
        incarnation,
        toGeneration: to.incarnation === incarnation ? to.generation : -1,
        holds,
        carried: BucketSet.empty(),
        arrivesAt: 0,
        breaks: 0,
      };
      stream.holds = holds;
      stream.carried = stream.carried.intersection(holds);
      this.#streams.set(key, stream);
      if (stream.carried.isSupersetOf(holds)) this.#prove(stream);
      else this.#sendBulk(key, stream);
    }
  }

  #sendBulk(key: string, stream: Stream): void {
    const { holds } = stream;
    const ms = bulkMs.min + this.world.random.next() * (bulkMs.max - bulkMs.min);
    this.#sendBeside(stream, ms, () => {
      if (this.#streams.get(key) !== stream) return;
      for (const bucket of holds) this.#carry(stream, bucket);
      stream.carried = stream.carried.union(holds).intersection(stream.holds);
      this.#prove(stream);
      if (!stream.carried.isSupersetOf(stream.holds)) return;
      const { name, incarnation } = stream.from;
      this.world.tellCore(stream.to, { kind: "bulkReceived", peer: name, incarnation });
    }, () => {
      if (this.#streams.get(key) !== stream || !isStarted(stream)) return;
      this.world.later(retryMs, () => {
        if (this.#streams.get(key) === stream && isStarted(stream)) this.#sendBulk(key, stream);
      });
    });
  }

  #prove(stream: Stream): void {
    const { incarnation, to: { name }, carried: proven } = stream;
    const report = { kind: "proven", peer: name, incarnation, proven } as const;
    this.world.tellCore(stream.from, report);
  }

  /** The core of `machine` takes notice of what it was told, perhaps long ago. */
  noticed(machine: Machine, report: ReplicationReport): void {
    if (report.kind !== "proven") return;
    this.#told.set(`${machine.incarnation}>${report.incarnation}`, report.proven);
  }

  /** What it has carried does not count any more. */
  #disprove(stream: Stream): void {
    stream.carried = BucketSet.empty();
    if (isStarted(stream)) this.#prove(stream);
  }

  /** Some flows of a bucket have changed at a machine that handles it. */
  change(machine: Machine, bucket: number): void {
    machine.flows[bucket] = ++this.newest[bucket];
    this.#pass(machine, bucket);
  }

  #pass(machine: Machine, bucket: number): void {
    for (const stream of this.#streams.values()) {
      if (stream.from !== machine || !stream.holds.has(bucket)) continue;
      this.#send(stream, 1 + this.world.random.next() * 4, () => this.#carry(stream, bucket));
    }
  }

  #carry({ from, to }: Stream, bucket: number): void {
    if (to.flows[bucket] >= from.flows[bucket]) return;
    to.flows[bucket] = from.flows[bucket];
    // What comes late from a former owner is for its own backups, too.
    if (to.responsibility.has(bucket)) this.#pass(to, bucket);
  }

  /** Hands over behind all state. */
  release(from: Machine, { to, buckets, epoch }: ReleaseOrder): void {
    const receiver = this.world.machines.find((machine) => machine.name === to)!;
    // It goes by the orders in force: the start that the core knows, which may be gone.
    const ordered = from.orders!.peers.find(({ name }) => name === to);
    const key = `${from.incarnation}>${ordered?.incarnation}`;
    if (this.#told.get(key)?.isSupersetOf(buckets) !== true) {
      this.world.checks.violate(`${from.name} hands over to ${to} what it cannot know to be there`);
    }
    const stream = this.#streams.get(key);
    const { name, generation } = from;
    const flows = from.flows.slice();
    const done = (acknowledged: boolean) => {
      if (from.generation !== generation) return;
      this.world.tellCore(from, { kind: "releaseDone", peer: to, buckets, epoch, acknowledged });
    };
    if (!stream?.carried.isSupersetOf(buckets)) return this.world.later(1, () => done(false));
    this.#send(stream, 2 + this.world.random.next() * 5, () => {
      this.world.checks.released(receiver, buckets, flows);
      this.world.tellCore(stream.to, {
        kind: "released",
        peer: name,
        incarnation: from.incarnation,
        buckets,
        epoch,
      });
      done(true);
    }, () => done(false));
  }

  /** In order; `onBroken` where it cannot pass. */
  #send(stream: Stream, ms: number, onArrival: () => void, onBroken = () => {}): void {
    const at = Math.max(stream.arrivesAt, this.world.now + ms);
    stream.arrivesAt = at;
    this.#sendBeside(stream, at - this.world.now, onArrival, onBroken);
  }

  /** A bulk does not hold up what is in order. */
  #sendBeside(stream: Stream, ms: number, onArrival: () => void, onBroken: () => void): void {
    const { breaks } = stream;
    this.world.later(ms, () => {
      if (stream.breaks === breaks && this.#isOpen(stream)) return onArrival();
      if (stream.breaks === breaks) stream.breaks++;
      if (!stream.carried.isEmpty && isStarted(stream)) {
        this.#disprove(stream);
        for (const [key, one] of this.#streams) if (one === stream) this.#sendBulk(key, stream);
      }
      onBroken();
    });
  }

  #isOpen(stream: Stream): boolean {
    const { from, to } = stream;
    const { network } = this.world;
    return isStarted(stream) && to.generation === stream.toGeneration && to.core !== null &&
      !from.frozen && !to.frozen && network.reaches(from.index, to.index) &&
      network.reaches(to.index, from.index);
  }
}

function isStarted({ from, fromGeneration }: Stream): boolean {
  return from.generation === fromGeneration && from.core !== null;
}
