/** Tells when an interface gains or loses its carrier. */
import { NETLINK_ROUTE, NetlinkSocket } from "../../ffi/libmnl.ts";
import { messages } from "../netlink/message.ts";
import { decodeLink } from "../netlink/rtnetlink.ts";
import { RouteSocket } from "./route_socket.ts";

const RTMGRP_LINK = 1;

export interface CarrierChange {
  /** Place in the list of interfaces. */
  readonly interfaceIndex: number;
  readonly up: boolean;
}

export class CarrierMonitor {
  readonly #socket = new NetlinkSocket(NETLINK_ROUTE, RTMGRP_LINK);
  readonly #buffer = new Uint8Array(32 * 1024);
  #indices: readonly number[];

  /** `indices`: the kernel's numbers of the interfaces, in their order; -1: none is there. */
  constructor(indices: readonly number[]) {
    this.#indices = indices;
  }

  /** Others are looked at from now on. */
  use(indices: readonly number[]): void {
    this.#indices = indices;
  }

  get descriptor(): number {
    return this.#socket.fd;
  }

  /** How it is now, for all interfaces. */
  present(): CarrierChange[] {
    using route = new RouteSocket();
    const links = route.links();
    return this.#indices.map((index, interfaceIndex) => ({
      interfaceIndex,
      up: links.find((link) => link.index === index)?.hasCarrier ?? false,
    }));
  }

  /** What the kernel has told since the last call; after lost messages, everything anew. */
  changes(): CarrierChange[] {
    const view = new DataView(this.#buffer.buffer);
    const changes: CarrierChange[] = [];
    try {
      for (;;) {
        const length = this.#socket.receive(this.#buffer);
        if (length === null) return changes;
        for (const message of messages(view, length)) {
          const link = decodeLink(view, message);
          const interfaceIndex = link === null ? -1 : this.#indices.indexOf(link.index);
          if (interfaceIndex >= 0) changes.push({ interfaceIndex, up: link!.hasCarrier });
        }
      }
    } catch {
      return this.present(); // ENOBUFS: the kernel had more to say than we had room for
    }
  }

  close(): void {
    this.#socket.close();
  }
}
