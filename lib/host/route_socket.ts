/** Asks the kernel over rtnetlink, one request at a time. */
import { NETLINK_ROUTE, NetlinkSocket } from "../../ffi/libmnl.ts";
import { describeErrno, SystemError } from "../../ffi/library.ts";
import {
  type ClusterDevice,
  type ClusterDeviceChange,
  decodeDevice,
  encodeDeviceChange,
  encodeDeviceCreate,
  encodeDeviceDelete,
  encodeDeviceDump,
  encodeKindProbe,
  type NewClusterDevice,
} from "../netlink/clusterdev.ts";
import {
  errorOf,
  errorTextOf,
  type Message,
  messages,
  MessageWriter,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../netlink/message.ts";
import { decodeLinkDetails, type LinkDetails } from "../netlink/link_details.ts";
import { decodeNeighbour, encodeNeighbourDump } from "../netlink/neighbour.ts";
import {
  type AddressRequest,
  type ConnectedRoute,
  decodeAddress,
  decodeLink,
  encodeAddress,
  encodeAddressDump,
  encodeLinkDump,
  encodeLinkUp,
  encodeRoute,
  type InterfaceAddress,
  type Link,
} from "../netlink/rtnetlink.ts";

/** A dump's messages come in pieces of at most this size (netlink(7)). */
const answerBytes = 64 * 1024;

export class RouteSocket implements Disposable {
  readonly #socket = new NetlinkSocket(NETLINK_ROUTE);
  readonly #writer = new MessageWriter(1024);
  readonly #answer = new Uint8Array(answerBytes);
  #sequence = 0;

  constructor() {
    this.#socket.explainErrors();
  }

  /** All interfaces of this network namespace. */
  links(): Link[] {
    return this.#dump((sequence) => encodeLinkDump(this.#writer, sequence), decodeLink);
  }

  /** All interfaces, with their sizes, losses and programs. */
  linkDetails(): LinkDetails[] {
    return this.#dump((sequence) => encodeLinkDump(this.#writer, sequence), decodeLinkDetails);
  }

  /** The family of each entry of the neighbour tables. */
  neighbours(): (4 | 6)[] {
    return this.#dump((sequence) => encodeNeighbourDump(this.#writer, sequence), decodeNeighbour);
  }

  /** All addresses of this network namespace. */
  addresses(): InterfaceAddress[] {
    return this.#dump((sequence) => encodeAddressDump(this.#writer, sequence), decodeAddress);
  }

  /** Throws `SystemError`. */
  changeAddress(verb: "add" | "remove", request: AddressRequest): void {
    this.#change(
      `${verb} address`,
      (sequence) => encodeAddress(this.#writer, sequence, verb, request),
    );
  }

  /** Throws `SystemError`. */
  changeRoute(verb: "add" | "remove", route: ConnectedRoute): void {
    this.#change(
      `${verb} route`,
      (sequence) => encodeRoute(this.#writer, sequence, verb, route),
    );
  }

  /** Throws `SystemError`. */
  setLinkUp(index: number): void {
    this.#change("set link up", (sequence) => encodeLinkUp(this.#writer, sequence, index));
  }

  // ---- devices of the kernel module clusterdev

  /** Whether the kernel has the module, or has loaded it now; throws `SystemError` if not allowed. */
  hasClusterDevices(): boolean {
    try {
      this.#change("probe", (sequence) => encodeKindProbe(this.#writer, sequence));
    } catch (error) {
      if (!(error instanceof SystemError) || error.code === "EPERM") throw error;
      return error.code !== "EOPNOTSUPP";
    }
    return true;
  }

  clusterDevices(): ClusterDevice[] {
    return this.#dump((sequence) => encodeDeviceDump(this.#writer, sequence), decodeDevice);
  }

  /** Throws `SystemError`. */
  createClusterDevice(device: NewClusterDevice): void {
    this.#change(
      "make device",
      (sequence) => encodeDeviceCreate(this.#writer, sequence, device),
    );
  }

  /** Throws `SystemError`. */
  changeClusterDevice(index: number, change: ClusterDeviceChange): void {
    this.#change(
      "change device",
      (sequence) => encodeDeviceChange(this.#writer, sequence, index, change),
    );
  }

  /** Throws `SystemError`. */
  deleteClusterDevice(index: number): void {
    this.#change("remove device", (sequence) => encodeDeviceDelete(this.#writer, sequence, index));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  /** A request that is answered by an acknowledgement. */
  #change(operation: string, encode: (sequence: number) => void): void {
    this.#exchange(operation, encode, () => {});
  }

  #dump<T>(
    encode: (sequence: number) => void,
    decode: (view: DataView, message: Message) => T | null,
  ): T[] {
    const found: T[] = [];
    this.#exchange("dump", encode, (view, message) => {
      const item = decode(view, message);
      if (item !== null) found.push(item);
    });
    return found;
  }

  /** Sends one request and reads its answer to the acknowledgement or the dump's end. */
  #exchange(
    operation: string,
    encode: (sequence: number) => void,
    take: (view: DataView, message: Message) => void,
  ): void {
    const sequence = ++this.#sequence;
    this.#writer.reset();
    encode(sequence);
    this.#socket.send(this.#writer.bytes);
    const view = new DataView(this.#answer.buffer);
    for (;;) {
      const length = this.#socket.receive(this.#answer, 0) ?? 0;
      for (const message of messages(view, length)) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE) return;
        if (message.type === NLMSG_ERROR) {
          const errno = errorOf(view, message);
          if (errno === 0) return;
          const text = errorTextOf(view, message);
          const detail = describeErrno(errno) + (text === null ? "" : `: ${text}`);
          throw new SystemError(operation, errno, detail);
        }
        take(view, message);
      }
    }
  }
}
