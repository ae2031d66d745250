/** Nodes that replicate to each other on one thread, in a time that the test moves. */
import { AF_INET } from "../../lib/netlink/family.ts";
import { FlowRecord, setPlainReply } from "../../lib/netlink/flow_record.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { ReleaseOrder, ReplicationReport } from "../../lib/ports.ts";
import { Replicator, type ReplicatorSettings } from "../../lib/replication/replicator.ts";
import { deriveTestKeys, testBucketOf } from "./fixtures.ts";
import { MemoryConntrack } from "./memory_conntrack.ts";
import { MemoryNetwork } from "./memory_transport.ts";

export interface LabNode {
  readonly name: string;
  readonly incarnation: string;
  readonly table: MemoryConntrack;
  readonly replicator: Replicator;
  readonly reports: ReplicationReport[];
  readonly log: string[];
}

/** What an order says to one node. */
export interface Wish {
  readonly claims?: Iterable<number>;
  readonly keeps?: Iterable<number>;
  readonly tellBusy?: boolean;
  /** Buckets that each peer shall hold, by its name. */
  readonly holds?: Readonly<Record<string, Iterable<number>>>;
}

export class Lab {
  readonly network = new MemoryNetwork();
  readonly nodes = new Map<string, LabNode>();
  now = 1000;
  #epoch = 0;
  #randomness = 0;

  add(name: string, settings: Partial<ReplicatorSettings> = {}): LabNode {
    const incarnation = (this.nodes.size + 1).toString(16).padStart(2, "0").repeat(16);
    const table = new MemoryConntrack();
    const reports: ReplicationReport[] = [];
    const log: string[] = [];
    const replicator = new Replicator({
      self: { name, incarnation },
      clusterName: "edge",
      keys: deriveTestKeys(),
      enabled: true,
      silenceMsMax: 1000,
      lagMsMax: 250,
      queueBytesMax: 1024 * 1024,
      bucketOf: testBucketOf,
      isLocal: (bytes, offset) => bytes[offset] === 127,
      isService: (bytes, offset) => bytes[offset + 1] === 1,
      ...settings,
    }, {
      conntrack: table,
      transport: this.network.transportOf(name),
      clock: () => this.now,
      random: () => new Uint8Array(32).fill(++this.#randomness),
      report: (report) => reports.push(report),
      log: (line) => log.push(line),
      wake: () => {},
    });
    const node = { name, incarnation, table, replicator, reports, log };
    this.nodes.set(name, node);
    this.network.listen(name, (link) => replicator.accept(link));
    return node;
  }

  /** Orders that name the peers in `holds`. */
  order(node: LabNode, wish: Wish): void {
    node.replicator.order({
      epoch: ++this.#epoch,
      claims: BucketSet.of(wish.claims ?? []),
      keeps: BucketSet.of(wish.keeps ?? []),
      tellBusy: wish.tellBusy ?? false,
      peers: Object.entries(wish.holds ?? {}).map(([name, holds]) => ({
        name,
        incarnation: this.nodes.get(name)!.incarnation,
        addresses: [name],
        holds: BucketSet.of(holds),
      })),
    });
  }

  /** `offAt`: since when the frames are off; now. */
  release(node: LabNode, order: ReleaseOrder, offAt = this.now): void {
    node.replicator.release(order, offAt);
  }

  /** Lets so much time pass, a millisecond at a time. */
  async pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      this.now += 1;
      for (const { replicator } of this.nodes.values()) replicator.step(this.now);
      for (let j = 0; j < 4; j++) {
        this.network.deliver();
        await Promise.resolve();
      }
    }
  }

  /** Lets time pass until it is so; throws where it is not within 20 seconds of that time. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    for (let i = 0; i < 20_000; i++) {
      if (isSo()) return;
      await this.pass(1);
    }
    throw new Error(`not within 20 s: ${what}`);
  }
}

/** The newest `proven` report of a node on a peer. */
export function provenOf(node: LabNode, peer: string): BucketSet {
  const report = node.reports.findLast((r) => r.kind === "proven" && r.peer === peer);
  return report?.kind === "proven" ? report.proven : BucketSet.empty();
}

/** A UDP flow from 10.0.0.0 + `host` to 10.1.0.0: its bucket in the tests is the last byte of `host`. */
export function flowOf(host: number, sourcePort = 1000): FlowRecord {
  const flow = new FlowRecord();
  flow.family = AF_INET;
  flow.protocol = 17;
  flow.addresses.set([10, host >> 16, host >> 8, host]);
  flow.addresses.set([10, 1, 0, 0], 16);
  flow.hasPorts = true;
  flow.sourcePort = sourcePort;
  flow.destinationPort = 53;
  flow.status = 0xe;
  flow.timeoutS = 100;
  setPlainReply(flow);
  return flow;
}

/** All 256 buckets. */
export const allBuckets: readonly number[] = Array.from({ length: 256 }, (_, bucket) => bucket);
