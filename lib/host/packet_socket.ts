/** Packet sockets (packet(7)): frames past the host's firewall and addresses. */
import {
  AF_PACKET,
  attachSocketFilter,
  bind,
  close,
  receive,
  type ReceiveSlots,
  send,
  setSocketOption,
  SO_RCVBUF,
  SO_TIMESTAMPNS,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  socket,
  SOL_PACKET,
  SOL_SOCKET,
} from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import type { FilterInstruction } from "../wire/frame.ts";

const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_MULTICAST = 0;

export class PacketSocket {
  readonly fd: number;

  /** `protocol`: the EtherType of the frames that it receives. */
  constructor(
    readonly interfaceIndex: number,
    readonly protocol: number,
    filter: readonly FilterInstruction[],
    receiveBufferBytes: number,
  ) {
    // Bound only after the filter is in place: nothing else ever enters its queue.
    this.fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    try {
      attachSocketFilter(this.fd, filter);
      setSocketOption(this.fd, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
      const address = new Uint8Array(20); // struct sockaddr_ll
      const view = new DataView(address.buffer);
      view.setUint16(0, AF_PACKET, true);
      view.setUint16(2, protocol);
      view.setInt32(4, interfaceIndex, true);
      bind(this.fd, address);
    } catch (error) {
      close(this.fd);
      throw error;
    }
  }

  /** Another filter from now on; what waits already was let in by the one before. */
  setFilter(filter: readonly FilterInstruction[]): void {
    attachSocketFilter(this.fd, filter);
  }

  /** Has the interface deliver a group MAC as long as this socket is open. */
  joinGroup(mac: Uint8Array): void {
    const request = new Uint8Array(16); // struct packet_mreq
    const view = new DataView(request.buffer);
    view.setInt32(0, this.interfaceIndex, true);
    view.setUint16(4, PACKET_MR_MULTICAST, true);
    view.setUint16(6, mac.length, true);
    request.set(mac, 8);
    setSocketOption(this.fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request);
  }

  /** false: the frame did not leave (the interface is down, or there is no room). */
  send(frame: Uint8Array<ArrayBuffer>): boolean {
    try {
      return send(this.fd, frame) !== null;
    } catch (error) {
      if (error instanceof SystemError) return false;
      throw error;
    }
  }

  /** The next frame's length, or null; an interface that went down has none. */
  receive(into: Uint8Array<ArrayBuffer>): number | null {
    try {
      return receive(this.fd, into);
    } catch (error) {
      if (error instanceof SystemError) return null;
      throw error;
    }
  }

  /** Has `receiveMany` tell when each frame came. */
  tellArrivals(): void {
    setSocketOption(this.fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  }

  /** How many frames there are, up to the number of slots; an interface that went down has none. */
  receiveMany(into: ReceiveSlots): number {
    try {
      return into.receive(this.fd) ?? 0;
    } catch (error) {
      if (error instanceof SystemError) return 0;
      throw error;
    }
  }

  close(): void {
    close(this.fd);
  }
}
