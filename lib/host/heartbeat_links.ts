/**
 * The interfaces over which a node speaks with the others. Each has three packet sockets, told apart
 * by the kernel's filter: datagrams of members that are due next, which are always read; other
 * datagrams with a member's tag, which are read as far as an allowance goes; and strangers, which are
 * looked at now and then.
 */
import { ReceiveSlots } from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { Allowance } from "../allowance.ts";
import type { ExpectedNode } from "../wire/expected.ts";
import { datagramOf, frameOf, heartbeatFilter, heartbeatGroupMac } from "../wire/frame.ts";
import { fromRealtime } from "./clock.ts";
import { PacketSocket } from "./packet_socket.ts";

/** An interface of the configuration, as the kernel knows it. */
export interface HeartbeatInterface {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
}

/** Interfaces by their place, which is what the core knows them by; null: it has none now. */
export type InterfaceSlots = readonly (HeartbeatInterface | null)[];

const ETH_P_IP = 0x0800;
const dueBufferBytes = 256 * 1024;
/** What is not due may have to wait behind so much of a flood. */
const undueBufferBytes = 64 * 1024;
/** Strangers are looked at now and then only, so this is all that a flood of them can fill. */
const strangersBufferBytes = 4096;
/** Frames taken from one socket in a row, so that a flood on one cannot starve the others. */
const framesInARow = 16;
const frameBytesMax = 2048;
/**
 * Datagrams on one interface that are not due and prove useless: a start of a cluster of 32 at once,
 * then so many a second. Each costs some 0.2 ms on a slow machine, which makes 2% of a core.
 */
const uselessPerSecond = 100;
const uselessAtOnce = 128;

/** A datagram as it came in; its bytes are valid until the next reading. */
export interface Arrival {
  readonly interfaceIndex: number;
  readonly datagram: Uint8Array<ArrayBuffer>;
  /** In milliseconds of the daemon's clock, as well as the time of day was right meanwhile. */
  readonly at: number;
}

/** The sockets of one interface. */
class HeartbeatLink {
  readonly due: PacketSocket;
  readonly undue: PacketSocket;
  readonly strangers: PacketSocket;
  readonly allowance = new Allowance(uselessPerSecond, uselessAtOnce);
  readonly #slots = new ReceiveSlots(framesInARow, frameBytesMax);

  constructor(index: number, filters: Filters) {
    this.due = new PacketSocket(index, ETH_P_IP, filters("due"), dueBufferBytes);
    this.due.joinGroup(new Uint8Array(heartbeatGroupMac));
    this.due.tellArrivals();
    this.undue = new PacketSocket(index, ETH_P_IP, filters("undue"), undueBufferBytes);
    this.strangers = new PacketSocket(index, ETH_P_IP, filters("strangers"), strangersBufferBytes);
  }

  /** What is due is let in at one socket before the other one refuses it: never at neither. */
  expect(filters: Filters): void {
    this.due.setFilter(filters("due"));
    this.undue.setFilter(filters("undue"));
  }

  /**
   * Adds what is due; `offset` makes the daemon's time of the time of day.
   *
   * @returns whether there may be more.
   */
  receiveDue(interfaceIndex: number, offset: number, into: Arrival[]): boolean {
    const count = this.due.receiveMany(this.#slots);
    for (let i = 0; i < count; i++) {
      const start = i * frameBytesMax, length = this.#slots.lengthOf(i);
      const datagram = datagramOf(this.#slots.bytes.subarray(start, start + length));
      const at = (this.#slots.arrivalOf(i) ?? Infinity) + offset;
      into.push({ interfaceIndex, datagram, at });
    }
    return count === framesInARow;
  }

  close(): void {
    for (const socket of [this.due, this.undue, this.strangers]) socket.close();
  }
}

type Filters = (wanted: "due" | "undue" | "strangers") => ReturnType<typeof heartbeatFilter>;

export class HeartbeatLinks {
  /** null: a place that has no interface now. */
  #links: (HeartbeatLink | null)[] = [];
  #interfaces: InterfaceSlots = [];
  readonly #clusterId: Uint8Array;
  #tags: readonly Uint8Array[];
  readonly #frame = new Uint8Array(frameBytesMax);
  #isMoreDue = false;

  constructor(interfaces: InterfaceSlots, clusterId: Uint8Array, tags: readonly Uint8Array[]) {
    this.#clusterId = clusterId;
    this.#tags = tags;
    this.useInterfaces(interfaces);
  }

  /** How many places for interfaces there are, those without one included. */
  get count(): number {
    return this.#links.length;
  }

  /** The places that have an interface. */
  get present(): number[] {
    return this.#links.flatMap((link, i) => link === null ? [] : [i]);
  }

  /**
   * Speaks over these from now on; those that stay at their place are not touched. An interface that is
   * gone leaves its place empty and is thrown as `SystemError` when all others are done.
   */
  useInterfaces(interfaces: InterfaceSlots): void {
    const failures: SystemError[] = [];
    const before = this.#interfaces, known = this.#links;
    this.#links = interfaces.map((wanted, i) => {
      if (wanted !== null && before[i]?.index === wanted.index) return known[i];
      known[i]?.close();
      if (wanted === null) return null;
      try {
        return new HeartbeatLink(wanted.index, this.#filters([]));
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        failures.push(error);
        return null;
      }
    });
    for (const surplus of known.slice(interfaces.length)) surplus?.close();
    this.#interfaces = interfaces;
    if (failures.length > 0) throw failures[0];
  }

  /** The descriptors to wait on: for each place what is due, then for each what is not; -1: none. */
  get descriptors(): number[] {
    return [
      ...this.#links.map((link) => link?.due.fd ?? -1),
      ...this.#links.map((link) => link?.undue.fd ?? -1),
    ];
  }

  /** Lets datagrams with these tags in from now on; what is due is to be told anew (`expect`). */
  useTags(tags: readonly Uint8Array[]): void {
    this.#tags = tags;
    for (const link of this.#links) link?.strangers.setFilter(this.#filters([])("strangers"));
  }

  /** Lets these go first on an interface; where the kernel has no room for the list, nobody does. */
  expect(interfaceIndex: number, nodes: readonly ExpectedNode[]): void {
    try {
      this.#links[interfaceIndex]?.expect(this.#filters(nodes));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#links[interfaceIndex]?.expect(this.#filters([]));
    }
  }

  /** Sends on all interfaces; how many took it. */
  broadcast(datagram: Uint8Array): number {
    let sent = 0;
    for (const [i, link] of this.#links.entries()) {
      if (link?.due.send(frameOf(datagram, this.#interfaces[i]!.mac))) sent++;
    }
    return sent;
  }

  /** What is due and has come in, by all interfaces, in the order in which it came. */
  receiveDue(): Arrival[] {
    const offset = fromRealtime();
    const arrivals: Arrival[] = [];
    this.#isMoreDue = false;
    for (let i = 0; i < this.#links.length; i++) {
      if (this.#links[i]?.receiveDue(i, offset, arrivals)) this.#isMoreDue = true;
    }
    return arrivals.sort((a, b) => a.at - b.at);
  }

  /** Whether the last reading may have left something that is due. */
  get isMoreDue(): boolean {
    return this.#isMoreDue;
  }

  /** Whether the allowance of an interface has something left for what is not due. */
  maySpend(interfaceIndex: number, now: number): boolean {
    return this.#links[interfaceIndex]?.allowance.has(now) ?? false;
  }

  /** A datagram of an interface was of no use. */
  spend(interfaceIndex: number): void {
    this.#links[interfaceIndex]?.allowance.spend();
  }

  /** Other datagrams with a tag, while `maySpend`; each is valid until the next one is taken. */
  *receiveUndue(interfaceIndex: number, now: () => number): Generator<Uint8Array<ArrayBuffer>> {
    const link = this.#links[interfaceIndex];
    if (link === null) return;
    for (const datagram of this.#drain(link.undue)) {
      yield datagram;
      if (!this.maySpend(interfaceIndex, now())) return;
    }
  }

  /** Datagrams of this cluster's name that carry none of our tags. */
  *receiveStrangers(): Generator<Uint8Array<ArrayBuffer>> {
    for (const link of this.#links) if (link !== null) yield* this.#drain(link.strangers);
  }

  *#drain(socket: PacketSocket): Generator<Uint8Array<ArrayBuffer>> {
    for (let i = 0; i < framesInARow; i++) {
      const length = socket.receive(this.#frame);
      if (length === null) return;
      yield datagramOf(this.#frame.subarray(0, length));
    }
  }

  #filters(nodes: readonly ExpectedNode[]): Filters {
    return (wanted) => heartbeatFilter(this.#clusterId, this.#tags, wanted, nodes);
  }

  close(): void {
    for (const link of this.#links) link?.close();
  }
}
