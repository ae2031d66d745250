/**
 * One node's replication in the network namespace that it is started in: orders come as JSON lines on
 * standard input, reports go as JSON lines to standard output.
 */
import { linesOf } from "../lines.ts";
import { LinuxConntrack } from "../../lib/host/conntrack.ts";
import { Replication } from "../../lib/host/replication.ts";
import { AF_INET } from "../../lib/netlink/family.ts";
import { setPlainReply } from "../../lib/netlink/flow_record.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { ReplicationReport } from "../../lib/ports.ts";
import { Batch, batchMax } from "../../lib/replication/conntrack.ts";
import { parseAddress } from "../../lib/wire/address.ts";
import { deriveTestKeys, testBucketOf } from "../replication/fixtures.ts";

/** What the first argument says, in JSON. */
export interface NodeArguments {
  readonly name: string;
  readonly incarnation: string;
  readonly port: number;
  readonly listen: readonly string[];
  readonly enabled: boolean;
  readonly local: readonly string[];
}

/** Bucket sets are hexadecimal. */
export interface PeerLine {
  readonly name: string;
  readonly incarnation: string;
  readonly addresses: readonly string[];
  readonly holds: string;
}

export type CommandLine =
  | {
    readonly order: {
      readonly epoch: number;
      readonly claims: string;
      readonly keeps: string;
      readonly peers: readonly PeerLine[];
    };
  }
  | { readonly release: { readonly to: string; readonly buckets: string; readonly epoch: number } }
  /** Makes so many flows of one bucket, which are soon over. */
  | { readonly fill: number }
  | { readonly ask: "status" | "counters" };

if (import.meta.main) {
  const options: NodeArguments = JSON.parse(Deno.args[0]);
  const local = new Set(options.local.map((address) => parseAddress(address)!.bytes.toHex()));
  const say = (value: unknown) => console.log(JSON.stringify(value));
  const replication = Replication.open({
    self: { name: options.name, incarnation: options.incarnation },
    clusterName: "test",
    keys: deriveTestKeys(),
    port: options.port,
    listenAddresses: options.listen,
    enabled: options.enabled,
    detectionMs: 300,
    bucketOf: testBucketOf,
    isLocal: (bytes, offset, length) =>
      bytes[offset] === 127 || local.has(bytes.subarray(offset, offset + length).toHex()),
    report: (report) => say({ report: readable(report), at: performance.now() }),
    log: (log) => say({ log }),
  });
  const running = replication.run();
  say({ ready: true });
  for await (const line of linesOf(Deno.stdin.readable)) {
    const command: CommandLine = JSON.parse(line);
    if ("order" in command) {
      const { epoch, claims, keeps, peers } = command.order;
      replication.order({
        epoch,
        claims: BucketSet.fromHex(claims),
        keeps: BucketSet.fromHex(keeps),
        tellBusy: false,
        peers: peers.map((peer) => ({ ...peer, holds: BucketSet.fromHex(peer.holds) })),
      });
    } else if ("release" in command) {
      const { to, buckets, epoch } = command.release;
      say({ releasing: epoch, at: performance.now() });
      replication.release({ to, buckets: BucketSet.fromHex(buckets), epoch });
    } else if ("fill" in command) {
      fill(command.fill);
      say({ filled: command.fill });
    } else if (command.ask === "status") {
      // What comes behind it comes while the table is read for it.
      replication.status().then((status) => say({ status }));
    } else {
      const { ended, ...counters } = replication.counters;
      say({ counters: { ...counters, ended: Object.fromEntries(ended) } });
    }
  }
  await replication.close();
  await running;
}

/** UDP from 10.1.0.9 to 192.0.2.1. */
function fill(count: number): void {
  const conntrack = LinuxConntrack.open();
  const batch = new Batch(batchMax);
  for (let i = 0; i < count; i++) {
    const flow = batch.add("create");
    flow.family = AF_INET;
    flow.protocol = 17;
    flow.addresses.set([10, 1, 0, 9]);
    flow.addresses.set([192, 0, 2, 1], 16);
    flow.hasPorts = true;
    flow.sourcePort = 1024 + i;
    flow.destinationPort = 53;
    flow.status = 0xe;
    flow.timeoutS = 100;
    setPlainReply(flow);
    if (!batch.isFull && i < count - 1) continue;
    conntrack.inject(batch);
    batch.clear();
  }
  conntrack.close();
}

/** A report with its sets as hexadecimal text. */
function readable(report: ReplicationReport): unknown {
  return JSON.parse(
    JSON.stringify(report, (_, value) => value instanceof BucketSet ? value.toHex() : value),
  );
}
