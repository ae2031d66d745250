/**
 * Replication: orders in, reports out. It composes sessions with the peers, readings of the kernel's
 * table and the kernel's events, and moves when it is called: `step` does a bounded piece of work and
 * says when it wants to be called again.
 *
 * The order of things that everything rests on:
 * - A table is read first, then the events that came meanwhile are: an event is always later than what
 *   a reading said, so that the later state wins at the peer. No event is read while a reading runs.
 * - RELEASE goes out when the events have been read to their end, at least `settleMs` after the order:
 *   packets that were inside this node when its bits were cleared have left it by then.
 */
import type { ReplicationTotals } from "../control.ts";
import type { EventKind } from "../netlink/ctnetlink.ts";
import {
  type FlowRecord,
  originalDestination,
  originalSource,
  replyDestination,
  replySource,
} from "../netlink/flow_record.ts";
import { bucketCount, BucketSet } from "../ownership/bucket_set.ts";
import type { Millis, ReleaseOrder, ReplicationOrders, ReplicationReport } from "../ports.ts";
import type { KeyRing } from "../wire/keys.ts";
import type { Conntrack, DumpProgress } from "./conntrack.ts";
import { Dialer } from "./dialer.ts";
import { encodeFlow, flowBytesMax } from "./flow.ts";
import { messageType } from "./messages.ts";
import { isOpen } from "./open_flow.ts";
import { Releases } from "./releases.ts";
import { Replica, type Sweep } from "./replica.ts";
import { type FlowCounts, Scan } from "./scan.ts";
import { Sender } from "./sender.ts";
import { Session, type SessionEvents, type SessionHalves } from "./session.ts";
import { type NodeIdentity, Stream, type StreamSettings } from "./stream.ts";
import type { Link, Transport } from "./transport.ts";

/** The bucket of a flow by its original tuple (`FlowBuckets.bucketOfTuple`). */
export type BucketOfTuple = (
  bytes: Uint8Array,
  sourceOffset: number,
  destinationOffset: number,
  addressBytes: number,
  protocol: number,
  sourcePort: number,
  destinationPort: number,
) => number;

/** Whether `bytes[offset ..]` is an address of this node itself: not shared, or loopback. */
export type IsLocal = (bytes: Uint8Array, offset: number, addressBytes: number) => boolean;

export interface ReplicatorSettings extends StreamSettings {
  /** false: streams stand and releases work, but no flow is carried (the tests' negative control). */
  readonly enabled: boolean;
  /** A peer may be silent for so long before its stream is closed. */
  readonly silenceMsMax: number;
  /** Older unacknowledged messages make a peer's buckets unproven. */
  readonly lagMsMax: number;
  /** How much may wait for one peer. */
  readonly queueBytesMax: number;
  readonly bucketOf: BucketOfTuple;
  readonly isLocal: IsLocal;
  /** Whether an address is that of a service whose sockets are on the nodes themselves. */
  readonly isService: IsLocal;
}

/** What the replicator needs from outside. */
export interface ReplicatorPorts {
  readonly conntrack: Conntrack;
  readonly transport: Transport;
  readonly clock: () => Millis;
  /** 32 fresh random bytes. */
  readonly random: () => Uint8Array;
  readonly report: (report: ReplicationReport) => void;
  readonly log: (line: string) => void;
  /** `step` has something to do. */
  readonly wake: () => void;
}

/** One `step` takes about so long at most. */
const budgetMs = 3;

/** A change of `proven` is told this late at most, so that a burst of them is one report. */
const reportMs = 3;

/** After a takeover the new owner first has other things to do. */
const settleTimeoutsAfterMs = 1000;

/**
 * Orders come in bursts: a plan, then one after each hand-over. A reading walks the kernel's whole
 * table and keeps hand-overs waiting, so one serves all the orders of a while.
 */
const gatherOrdersMs = 40;
const gatherOrdersMsMax = 200;
/**
 * Hand-overs come in a row, too, and their buckets' frames are off meanwhile: a reading waits for the last
 * one. A single call into the kernel can take 10 ms: it walks all slots of the table, also the empty ones.
 */
const gatherHandOversMsMax = 2000;
/** After a reading what it has proven is acted upon, before the next one begins. */
const restAfterScanMs = 20;

/** After lost events the next reading waits: the storm that caused them may last. */
const overrunPauseMs = 100;

/** So often the table is read for what is busy; less often where that is much work. */
const busyEveryMs = 500;
const busyShare = 10;

/** A reading sends at most about so many flows to a peer, so that its queue can hold them. */
const flowsPerBulkMax = 250_000;

/** Strangers may hold so many connections that have not greeted. */
const greetingsMax = 64;

const idleStepMs = 100;

interface Peer {
  readonly name: string;
  readonly incarnation: string;
  addresses: readonly string[];
  holds: BucketSet;
  readonly dialer: Dialer;
  session: Session | null;
  reported: BucketSet;
  reportedAt: Millis;
}

export interface ReplicatorStatus extends FlowCounts {
  readonly lagMs: number;
  readonly peers: readonly {
    readonly name: string;
    readonly connected: boolean;
    readonly safe: boolean;
  }[];
}

/** What went wrong or was put off, since the start. */
export interface ReplicatorCounters {
  /** Times the kernel dropped events. */
  overruns: number;
  /** Times a slow peer's queue was dropped. */
  overflows: number;
  /** Flows of peers that found no room here. */
  refused: number;
  /** Flows of peers that the kernel would not have. */
  failed: number;
  /** Stale entries that were removed. */
  swept: number;
  /** Readings of the table that were given up for hand-overs. */
  abandoned: number;
  /** Streams that ended or were refused, by reason. */
  readonly ended: Map<string, number>;
}

export class Replicator implements SessionEvents {
  #settings: ReplicatorSettings;
  readonly #ports: ReplicatorPorts;
  readonly #peers = new Map<string, Peer>();
  /** Sessions whose peer is not authenticated yet. */
  readonly #greeting = new Set<Session>();
  #claims = BucketSet.empty();
  #keeps = BucketSet.empty();
  #lost = BucketSet.empty();
  #taken = BucketSet.empty();
  #takenAt = 0;
  readonly #releases: Releases;
  #sweeps: Sweep[] = [];
  #scan: Scan | null = null;
  #scanNotBefore = 0;
  /** Since when, and until when, a reading waits for more of what it is to serve. */
  #gatherSince = -Infinity;
  #gatherUntil = -Infinity;
  /** Once it has dropped an event the kernel drops all, until those that wait have been read. */
  #isDeaf = false;
  #countWanted = false;
  /** Whether the core waits for open connections to end; when it was last told of them. */
  #tellsBusy = false;
  #busyDueAt: Millis = 0;
  /** When the reading began that looks for what is busy; null: it does not. */
  #busySince: Millis | null = null;
  #counts: FlowCounts = { flows: 0, foreign: 0 };
  #countedAt = -Infinity;
  #isClosed = false;
  /** When this step began: a clock for each flow would cost more than the flow. */
  #now: Millis = 0;
  readonly #scratch = new Uint8Array(flowBytesMax);
  readonly #scratchView = new DataView(this.#scratch.buffer);
  readonly counters: ReplicatorCounters = {
    overruns: 0,
    overflows: 0,
    refused: 0,
    failed: 0,
    swept: 0,
    abandoned: 0,
    ended: new Map(),
  };

  constructor(settings: ReplicatorSettings, ports: ReplicatorPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#releases = new Releases((order, acknowledged) => {
      const { to, buckets, epoch } = order;
      ports.report({ kind: "releaseDone", peer: to, buckets, epoch, acknowledged });
    });
  }

  // ---- orders

  /** Streams that are opened from now on are under these keys; those that stand go on. */
  useKeys(keys: KeyRing): void {
    this.#settings = { ...this.#settings, keys };
  }

  /** Replaces what is to be done. */
  order(orders: ReplicationOrders): void {
    const now = this.#ports.clock();
    const heldBefore = this.#claims.union(this.#keeps);
    const held = orders.claims.union(orders.keeps);
    this.#lost = this.#lost.union(heldBefore.difference(held)).difference(held);
    const taken = orders.claims.difference(this.#claims);
    if (!taken.isEmpty) this.#takenAt = now;
    this.#gather(now, gatherOrdersMsMax);
    this.#taken = this.#taken.union(taken).intersection(orders.claims);
    this.#claims = orders.claims;
    this.#keeps = orders.keeps;
    const tellsBusy = orders.tellBusy && this.#settings.enabled;
    if (tellsBusy && !this.#tellsBusy) this.#busyDueAt = now;
    this.#tellsBusy = tellsBusy;
    this.#orderPeers(orders);
    this.#ports.wake();
  }

  #orderPeers(orders: ReplicationOrders): void {
    const wanted = new Map(orders.peers.map((peer) => [peer.name, peer]));
    for (const peer of [...this.#peers.values()]) {
      const order = wanted.get(peer.name);
      if (order?.incarnation === peer.incarnation) continue;
      peer.session?.close("peer gone");
      this.#peers.delete(peer.name);
    }
    for (const { name, incarnation, addresses, holds } of orders.peers) {
      let peer = this.#peers.get(name);
      if (peer === undefined) {
        peer = {
          name,
          incarnation,
          addresses,
          holds,
          dialer: new Dialer(),
          session: null,
          reported: BucketSet.empty(),
          reportedAt: -Infinity,
        };
        this.#peers.set(name, peer);
      }
      peer.addresses = addresses;
      peer.holds = holds;
      peer.session?.sender?.setWanted(this.#claims, holds);
    }
  }

  /**
   * Hands buckets over, whose frames are off since `offAt`; the wait for packets in flight is kept here.
   * `releaseDone` follows.
   */
  release(order: ReleaseOrder, offAt: Millis): void {
    const now = this.#ports.clock();
    const isOpen = this.#peers.get(order.to)?.session?.isOpen ?? false;
    this.#releases.begin(order, isOpen, offAt);
    this.#gather(now, gatherHandOversMsMax);
    this.#ports.wake();
  }

  /** Closes all streams. */
  close(): void {
    this.#isClosed = true;
    for (const peer of this.#peers.values()) peer.session?.close("closed");
    for (const session of [...this.#greeting]) session.close("closed");
  }

  // ---- status

  /** How old the counts are; `Infinity` before the first. */
  countsAgeMs(now: Millis): number {
    return now - this.#countedAt;
  }

  /** Asks for a reading of the table for the counts' sake. */
  wantCounts(): void {
    if (!this.#settings.enabled) return;
    this.#countWanted = true;
    this.#ports.wake();
  }

  status(now: Millis): ReplicatorStatus {
    const peers = [...this.#peers.values()].sort((a, b) => a.name < b.name ? -1 : 1);
    const senders = peers.map((peer) => peer.session?.isOpen ? peer.session.sender : null);
    return {
      ...this.#counts,
      lagMs: Math.max(0, ...senders.map((sender) => sender?.outbox.lagMs(now) ?? 0)),
      peers: peers.map((peer, i) => ({
        name: peer.name,
        connected: senders[i] !== null,
        safe: senders[i]?.isSafe(now) ?? false,
      })),
    };
  }

  /** What went wrong so far, streams that still stand included. */
  totals(): ReplicationTotals {
    const { overruns, overflows, refused, failed, swept, ended } = this.counters;
    const sum = (of: (session: Session) => number | undefined) =>
      this.#peers.values().reduce(
        (sum, { session }) => sum + (session === null ? 0 : of(session) ?? 0),
        0,
      );
    return {
      overruns,
      overflows: overflows + sum(({ sender }) => sender?.overflows),
      refused: refused + sum(({ replica }) => replica?.refused),
      failed: failed + sum(({ replica }) => replica?.failed),
      swept,
      streamsEnded: ended.values().reduce((sum, count) => sum + count, 0),
    };
  }

  // ---- work

  /**
   * Does a bounded piece of work; when it wants to be called again at the latest: 0 is at once.
   * Orders, messages and events make it worth calling earlier.
   */
  step(now: Millis): Millis {
    if (this.#isClosed) return Infinity;
    this.#now = now;
    this.#dial(now);
    let isBusy = false;
    if (this.#scan !== null) {
      isBusy = this.#continueScan(now) === "more";
      const isHandedOver = this.#releases.dueAt !== Infinity;
      if (this.#scan !== null && isHandedOver) this.#abandonScan(now);
    }
    if (this.#scan === null) {
      isBusy = this.#drain(now) || isBusy;
      if (!isBusy) this.#releases.send(now, (to) => this.#peers.get(to)?.session?.sender ?? null);
      // A hand-over would have to wait for the reading's end; it is the other way round.
      if (this.#releases.dueAt === Infinity) isBusy = this.#beginScan(now) || isBusy;
    }
    for (const session of [...this.#greeting]) session.step(now);
    for (const peer of this.#peers.values()) {
      peer.session?.sender?.sayAllSent(now);
      peer.session?.flush();
      peer.session?.step(now);
      this.#reportProven(peer, now);
    }
    return isBusy ? 0 : this.#nextStepAt(now);
  }

  #nextStepAt(now: Millis): Millis {
    let at = now + idleStepMs;
    at = Math.min(at, this.#releases.dueAt);
    for (const peer of this.#peers.values()) {
      if (this.#hasNews(peer, now)) at = Math.min(at, now + reportMs);
      if (this.#dials(peer)) at = Math.min(at, Math.max(now, peer.dialer.dueAt));
    }
    if (now < this.#scanNotBefore) at = Math.min(at, this.#scanNotBefore);
    if (this.#tellsBusy) at = Math.min(at, Math.max(this.#busyDueAt, this.#scanNotBefore));
    return at;
  }

  /** Reads waiting events; true where more wait. */
  #drain(now: Millis): boolean {
    if (!this.#settings.enabled) return false;
    const result = this.#ports.conntrack.drain(this.#takeEvent, budgetMs);
    if (result === "empty") this.#isDeaf = false;
    if (result === "overrun") {
      this.counters.overruns++;
      this.#isDeaf = true;
      this.#scanNotBefore = now + overrunPauseMs;
      for (const peer of this.#peers.values()) peer.session?.sender?.restart();
      this.#ports.log("the kernel dropped connection events: everything is sent anew");
    }
    return result !== "empty";
  }

  readonly #takeEvent = (kind: EventKind, flow: FlowRecord): void => {
    const bucket = this.#bucketOf(flow);
    if (bucket === null || !this.#claims.has(bucket)) return;
    let length = 0;
    for (const peer of this.#peers.values()) {
      const sender = peer.session?.sender;
      if (!sender?.wantsEvents(bucket)) continue;
      length ||= encodeFlow(
        flow,
        bucket,
        this.#scratch,
        this.#scratchView,
        0,
        kind === "destroy",
      );
      sender.flow(eventTypes[kind], this.#scratch, length, this.#now);
    }
  };

  /** null for the node's own traffic: from it, to it, or behind its own address. */
  readonly #bucketOf = (flow: FlowRecord): number | null => {
    const { addresses, addressBytes } = flow;
    const { isLocal } = this.#settings;
    if (
      isLocal(addresses, originalSource, addressBytes) ||
      isLocal(addresses, originalDestination, addressBytes) ||
      isLocal(addresses, replyDestination, addressBytes)
    ) return null;
    return this.#settings.bucketOf(
      addresses,
      originalSource,
      originalDestination,
      addressBytes,
      flow.protocol,
      flow.sourcePort,
      flow.destinationPort,
    );
  };

  readonly #isOpen = (flow: FlowRecord): boolean =>
    this.#busySince !== null && isOpen(flow) &&
    this.#settings.isService(flow.addresses, replySource, flow.addressBytes);

  // ---- reading the table

  /** Begins a reading where one is wanted; true where it did. */
  #beginScan(now: Millis): boolean {
    if (!this.#settings.enabled || this.#isDeaf || now < this.#scanNotBefore) return false;
    const bulks: { readonly sender: Sender; readonly buckets: BucketSet }[] = [];
    let bulked = BucketSet.empty();
    const group = this.#bulkGroup();
    for (const peer of this.#peers.values()) {
      const sender = peer.session?.isOpen ? peer.session.sender : null;
      const pending = sender?.pending(now);
      if (sender === null || pending === undefined || pending.isEmpty) continue;
      const buckets = BucketSet.of([...pending].slice(0, group));
      bulks.push({ sender, buckets });
      bulked = bulked.union(buckets);
    }
    const taken = now - this.#takenAt >= settleTimeoutsAfterMs ? this.#taken : BucketSet.empty();
    const isWanted = bulks.length > 0 || this.#sweeps.length > 0 || !this.#lost.isEmpty ||
      !taken.isEmpty || this.#countWanted || this.#tellsBusy && now >= this.#busyDueAt;
    if (!isWanted) return false;
    for (const { sender, buckets } of bulks) sender.beginBulk(buckets, now);
    this.#busySince = this.#tellsBusy ? now : null;
    this.#scan = new Scan({
      conntrack: this.#ports.conntrack,
      more: this.#ports.wake,
      bucketOf: this.#bucketOf,
      isOpen: this.#isOpen,
      claims: this.#claims,
      bulked,
      bulk: this.#bulk,
      sweeps: this.#sweeps,
      lost: this.#lost,
      taken,
    });
    this.#sweeps = [];
    this.#lost = BucketSet.empty();
    this.#taken = this.#taken.difference(taken);
    this.#countWanted = false;
    return true;
  }

  /** How many buckets one reading may send, so that a peer's queue can hold them. */
  #bulkGroup(): number {
    const readings = Math.ceil(this.#ports.conntrack.occupancy().count / flowsPerBulkMax);
    return Math.ceil(bucketCount / Math.max(1, readings));
  }

  readonly #bulk = (flow: FlowRecord, bucket: number): void => {
    const length = encodeFlow(flow, bucket, this.#scratch, this.#scratchView, 0);
    for (const peer of this.#peers.values()) {
      const sender = peer.session?.sender;
      if (!sender?.wantsDump(bucket)) continue;
      sender.flow(messageType.flowBulk, this.#scratch, length, this.#now);
    }
  };

  /** Reads on, and does what follows from the end. */
  #continueScan(now: Millis): DumpProgress {
    const scan = this.#scan!;
    const progress = scan.continue(budgetMs);
    if (progress !== "done") return progress;
    this.#scan = null;
    this.#scanNotBefore = Math.max(this.#scanNotBefore, now + restAfterScanMs);
    this.#counts = scan.counts;
    this.#countedAt = now;
    if (this.#tellsBusy && this.#busySince !== null) {
      this.#busyDueAt = now + Math.max(busyEveryMs, busyShare * (now - this.#busySince));
      this.#ports.report({ kind: "busy", buckets: scan.busy });
    }
    this.counters.swept += scan.removed;
    for (const peer of this.#peers.values()) peer.session?.sender?.endBulk(now);
    for (const sweep of scan.settings.sweeps) sweep.done();
    for (const peer of this.#peers.values()) peer.session?.unblock();
    return progress;
  }

  /** A hand-over does not wait for a reading: what that was for is served by a later one. */
  #abandonScan(now: Millis): void {
    const { sweeps, lost, taken } = this.#scan!.settings;
    this.#scan!.abandon();
    this.counters.abandoned++;
    this.#scan = null;
    this.#sweeps.unshift(...sweeps);
    this.#lost = this.#lost.union(lost).difference(this.#claims).difference(this.#keeps);
    this.#taken = this.#taken.union(taken).intersection(this.#claims);
    for (const peer of this.#peers.values()) peer.session?.sender?.abandonBulk();
    this.#countWanted = true;
    this.#gather(now, gatherHandOversMsMax);
  }

  /** No reading begins for a while, in which more of the same may come; `msMax` in all. */
  #gather(now: Millis, msMax: number): void {
    if (now >= this.#gatherUntil) this.#gatherSince = now;
    const until = Math.min(now + gatherOrdersMs, this.#gatherSince + msMax);
    this.#gatherUntil = Math.max(this.#gatherUntil, until);
    this.#scanNotBefore = Math.max(this.#scanNotBefore, until);
  }

  // ---- sessions

  #dial(now: Millis): void {
    for (const peer of this.#peers.values()) {
      if (!this.#dials(peer)) continue;
      const address = peer.dialer.take(peer.addresses, now);
      if (address !== null) this.#connect(peer, address);
    }
  }

  /** Of two nodes the one with the smaller name connects, as long as there is no stream. */
  #dials(peer: Peer): boolean {
    return peer.session === null && this.#settings.self.name < peer.name;
  }

  #connect(peer: Peer, address: string): void {
    this.#ports.transport.connect(address).then(
      (link) => {
        if (this.#isClosed || this.#peers.get(peer.name) !== peer) return link.close();
        const stream = Stream.connect(this.#settings, this.#ports.random(), peer);
        const session = this.#newSession(link, stream);
        peer.session = session;
        session.start();
      },
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        this.#countEnd("no connection");
        this.#ports.log(`no stream with ${peer.name}: ${why}`);
        peer.dialer.failed(this.#ports.clock());
        this.#ports.wake();
      },
    );
  }

  /** Takes a connection that a peer has opened. */
  accept(link: Link): void {
    if (this.#isClosed || this.#greeting.size >= greetingsMax) {
      this.#countEnd("too many greetings");
      return link.close();
    }
    const incarnationOf = (name: string) => this.#peers.get(name)?.incarnation ?? null;
    const stream = Stream.accept(this.#settings, this.#ports.random(), incarnationOf);
    const session = this.#newSession(link, stream);
    this.#greeting.add(session);
    session.start();
  }

  #newSession(link: Link, stream: Stream): Session {
    return new Session(link, stream, this, this.#ports.clock, this.#settings.silenceMsMax);
  }

  opened(session: Session, identity: NodeIdentity): SessionHalves | null {
    const peer = this.#peers.get(identity.name);
    if (peer?.incarnation !== identity.incarnation) return null;
    this.#greeting.delete(session);
    const { enabled, lagMsMax, queueBytesMax } = this.#settings;
    const sender = new Sender({ enabled, lagMsMax, queueBytesMax });
    const replica = new Replica({
      conntrack: this.#ports.conntrack,
      enabled,
      claims: () => this.#claims,
      sweep: (sweep) => this.#sweeps.push(sweep),
      bulkReceived: () => this.#ports.report({ kind: "bulkReceived", ...reportName(identity) }),
      released: (buckets, epoch) => {
        this.#gather(this.#ports.clock(), gatherHandOversMsMax);
        this.#ports.report({ kind: "released", ...reportName(identity), buckets, epoch });
        session.answerRelease(buckets, epoch);
      },
    });
    // The peer opens another stream only when it has given the old one up.
    if (peer.session !== session) peer.session?.close("replaced");
    peer.session = session;
    peer.dialer.succeeded();
    sender.setWanted(this.#claims, peer.holds);
    this.#ports.log(`stream with ${peer.name} open (${session.remote})`);
    return { sender, replica };
  }

  released(session: Session, buckets: BucketSet, epoch: number): void {
    this.#releases.acknowledge(session.stream.peer!.name, buckets, epoch);
  }

  worked(): void {
    this.#ports.wake();
  }

  closed(session: Session, reason: string): void {
    this.#greeting.delete(session);
    this.#countEnd(reason);
    this.#addCounters(session);
    const name = session.stream.peer?.name;
    const peer = name === undefined ? undefined : this.#peers.get(name);
    if (peer === undefined || peer.session !== session) {
      if (session.stream.fault !== null) this.#ports.log(`a connection for replication ${reason}`);
      return;
    }
    this.#ports.log(`stream with ${peer.name} ended: ${reason} (${session.remote})`);
    peer.session = null;
    peer.dialer.failed(this.#ports.clock());
    this.#tellProven(peer, BucketSet.empty(), this.#ports.clock());
    this.#releases.breakOff(peer.name);
    this.#ports.wake();
  }

  #addCounters({ sender, replica }: Session): void {
    this.counters.overflows += sender?.overflows ?? 0;
    this.counters.refused += replica?.refused ?? 0;
    this.counters.failed += replica?.failed ?? 0;
  }

  #countEnd(reason: string): void {
    const { ended } = this.counters;
    ended.set(reason, (ended.get(reason) ?? 0) + 1);
  }

  // ---- reports

  #provenOf(peer: Peer, now: Millis): BucketSet {
    return (peer.session?.isOpen ? peer.session.sender?.proven(now) : null) ?? BucketSet.empty();
  }

  #hasNews(peer: Peer, now: Millis): boolean {
    return !this.#provenOf(peer, now).equals(peer.reported);
  }

  #reportProven(peer: Peer, now: Millis): void {
    const proven = this.#provenOf(peer, now);
    if (proven.equals(peer.reported)) return;
    if (proven.isEmpty || now - peer.reportedAt >= reportMs) this.#tellProven(peer, proven, now);
  }

  #tellProven(peer: Peer, proven: BucketSet, now: Millis): void {
    if (proven.equals(peer.reported)) return;
    peer.reported = proven.clone();
    peer.reportedAt = now;
    this.#ports.report({ kind: "proven", ...reportName(peer), proven: peer.reported });
  }
}

const eventTypes: Readonly<Record<EventKind, number>> = {
  new: messageType.flowNew,
  update: messageType.flowUpdate,
  destroy: messageType.flowEnd,
};

function reportName(peer: NodeIdentity): { peer: string; incarnation: string } {
  return { peer: peer.name, incarnation: peer.incarnation };
}
