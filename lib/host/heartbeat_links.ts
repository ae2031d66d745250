/**
 * The interfaces over which a node speaks with the others. Each has three packet sockets, told apart
 * by the kernel's filter: datagrams of members that are due next, which are always read; other
 * datagrams with a member's tag, which are read as far as an allowance goes; and strangers, which are
 * looked at now and then.
 */
import { SystemError } from "../../ffi/library.ts";
import { Allowance } from "../allowance.ts";
import type { ExpectedNode } from "../wire/expected.ts";
import { datagramOf, frameOf, heartbeatFilter, heartbeatGroupMac } from "../wire/frame.ts";
import { PacketSocket } from "./packet_socket.ts";

/** An interface of the configuration, as the kernel knows it. */
export interface HeartbeatInterface {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
}

const ETH_P_IP = 0x0800;
const dueBufferBytes = 256 * 1024;
/** What is not due may have to wait behind so much of a flood. */
const undueBufferBytes = 64 * 1024;
/** Strangers are looked at now and then only, so this is all that a flood of them can fill. */
const strangersBufferBytes = 4096;
/** Frames taken from one socket in a row, so that a flood on one cannot starve the others. */
const framesInARow = 16;
/**
 * Datagrams on one interface that are not due and prove useless: a start of a cluster of 32 at once,
 * then so many a second. Each costs some 0.2 ms on a slow machine, which makes 2% of a core.
 */
const uselessPerSecond = 100;
const uselessAtOnce = 128;

/** The sockets of one interface. */
class HeartbeatLink {
  readonly due: PacketSocket;
  readonly undue: PacketSocket;
  readonly strangers: PacketSocket;
  readonly allowance = new Allowance(uselessPerSecond, uselessAtOnce);

  constructor(index: number, filters: Filters) {
    this.due = new PacketSocket(index, ETH_P_IP, filters("due"), dueBufferBytes);
    this.due.joinGroup(new Uint8Array(heartbeatGroupMac));
    this.undue = new PacketSocket(index, ETH_P_IP, filters("undue"), undueBufferBytes);
    this.strangers = new PacketSocket(index, ETH_P_IP, filters("strangers"), strangersBufferBytes);
  }

  /** What is due is let in at one socket before the other one refuses it: never at neither. */
  expect(filters: Filters): void {
    this.due.setFilter(filters("due"));
    this.undue.setFilter(filters("undue"));
  }

  close(): void {
    for (const socket of [this.due, this.undue, this.strangers]) socket.close();
  }
}

type Filters = (wanted: "due" | "undue" | "strangers") => ReturnType<typeof heartbeatFilter>;

export class HeartbeatLinks {
  readonly #links: HeartbeatLink[];
  readonly #clusterId: Uint8Array;
  #tags: readonly Uint8Array[];
  readonly #frame = new Uint8Array(2048);

  constructor(
    readonly interfaces: readonly HeartbeatInterface[],
    clusterId: Uint8Array,
    tags: readonly Uint8Array[],
  ) {
    this.#clusterId = clusterId;
    this.#tags = tags;
    this.#links = interfaces.map(({ index }) => new HeartbeatLink(index, this.#filters([])));
  }

  /** The descriptors to wait on: for each interface what is due, then for each what is not. */
  get descriptors(): number[] {
    return [...this.#links.map(({ due }) => due.fd), ...this.#links.map(({ undue }) => undue.fd)];
  }

  /** Lets datagrams with these tags in from now on; what is due is to be told anew (`expect`). */
  useTags(tags: readonly Uint8Array[]): void {
    this.#tags = tags;
    for (const { strangers } of this.#links) strangers.setFilter(this.#filters([])("strangers"));
  }

  /** Lets these go first on an interface; where the kernel has no room for the list, nobody does. */
  expect(interfaceIndex: number, nodes: readonly ExpectedNode[]): void {
    try {
      this.#links[interfaceIndex].expect(this.#filters(nodes));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#links[interfaceIndex].expect(this.#filters([]));
    }
  }

  /** Sends on all interfaces; how many took it. */
  broadcast(datagram: Uint8Array): number {
    return this.interfaces.reduce(
      (sent, { mac }, i) => this.#links[i].due.send(frameOf(datagram, mac)) ? sent + 1 : sent,
      0,
    );
  }

  /** What is due and has come in; each datagram is valid until the next one is taken. */
  *receiveDue(interfaceIndex: number): Generator<Uint8Array> {
    yield* this.#drain(this.#links[interfaceIndex].due);
  }

  /** Whether the allowance of an interface has something left for what is not due. */
  maySpend(interfaceIndex: number, now: number): boolean {
    return this.#links[interfaceIndex].allowance.has(now);
  }

  /** A datagram of an interface was of no use. */
  spend(interfaceIndex: number): void {
    this.#links[interfaceIndex].allowance.spend();
  }

  /** Other datagrams with a tag, while `maySpend`. */
  *receiveUndue(interfaceIndex: number, now: () => number): Generator<Uint8Array> {
    for (const datagram of this.#drain(this.#links[interfaceIndex].undue)) {
      yield datagram;
      if (!this.maySpend(interfaceIndex, now())) return;
    }
  }

  /** Datagrams of this cluster's name that carry none of our tags. */
  *receiveStrangers(): Generator<Uint8Array> {
    for (const { strangers } of this.#links) yield* this.#drain(strangers);
  }

  *#drain(socket: PacketSocket): Generator<Uint8Array> {
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
    for (const link of this.#links) link.close();
  }
}
