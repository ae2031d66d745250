/** The interfaces over which a node speaks with the others: one pair of packet sockets for each. */
import { datagramOf, frameOf, heartbeatFilter, heartbeatGroupMac } from "../wire/frame.ts";
import { PacketSocket } from "./packet_socket.ts";

/** An interface of the configuration, as the kernel knows it. */
export interface HeartbeatInterface {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
}

const ETH_P_IP = 0x0800;
const membersBufferBytes = 256 * 1024;
/** Strangers are looked at now and then only, so this is all that a flood of them can fill. */
const strangersBufferBytes = 4096;
/**
 * Frames taken from one socket in a row, so that a flood on one cannot starve the others. A frame that
 * proves not authentic costs some 0.1 ms, and the shortest detection time is 20 ms.
 */
const framesInARow = 16;

export class HeartbeatLinks {
  readonly #members: PacketSocket[] = [];
  readonly #strangers: PacketSocket[] = [];
  readonly #frame = new Uint8Array(2048);

  constructor(
    readonly interfaces: readonly HeartbeatInterface[],
    clusterId: Uint8Array,
    tags: readonly Uint8Array[],
  ) {
    const members = heartbeatFilter(clusterId, tags, "members");
    const strangers = heartbeatFilter(clusterId, tags, "strangers");
    for (const { index } of interfaces) {
      const socket = new PacketSocket(index, ETH_P_IP, members, membersBufferBytes);
      socket.joinGroup(new Uint8Array(heartbeatGroupMac));
      this.#members.push(socket);
      this.#strangers.push(new PacketSocket(index, ETH_P_IP, strangers, strangersBufferBytes));
    }
  }

  /** The descriptors to wait on, in the order of the interfaces. */
  get descriptors(): number[] {
    return this.#members.map((socket) => socket.fd);
  }

  /** Sends on all interfaces; how many took it. */
  broadcast(datagram: Uint8Array): number {
    return this.interfaces.reduce(
      (sent, { mac }, i) => this.#members[i].send(frameOf(datagram, mac)) ? sent + 1 : sent,
      0,
    );
  }

  /** What has come in on an interface; each datagram is valid until the next one is taken. */
  *receive(interfaceIndex: number): Generator<Uint8Array> {
    yield* this.#drain(this.#members[interfaceIndex]);
  }

  /** Datagrams of this cluster's name that carry none of our tags. */
  *receiveStrangers(): Generator<Uint8Array> {
    for (const socket of this.#strangers) yield* this.#drain(socket);
  }

  *#drain(socket: PacketSocket): Generator<Uint8Array> {
    for (let i = 0; i < framesInARow; i++) {
      const length = socket.receive(this.#frame);
      if (length === null) return;
      yield datagramOf(this.#frame.subarray(0, length));
    }
  }

  close(): void {
    for (const socket of [...this.#members, ...this.#strangers]) socket.close();
  }
}
