/** Asks the kernel over rtnetlink, one request at a time. */
import { NETLINK_ROUTE, NetlinkSocket } from "../../ffi/libmnl.ts";
import { SystemError } from "../../ffi/library.ts";
import {
  errorOf,
  type Message,
  messages,
  MessageWriter,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../netlink/message.ts";
import {
  type AddressRequest,
  type ConnectedRoute,
  decodeAddress,
  decodeLink,
  encodeAddress,
  encodeAddressDump,
  encodeLinkDump,
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

  /** All interfaces of this network namespace. */
  links(): Link[] {
    return this.#dump((sequence) => encodeLinkDump(this.#writer, sequence), decodeLink);
  }

  /** All addresses of this network namespace. */
  addresses(): InterfaceAddress[] {
    return this.#dump((sequence) => encodeAddressDump(this.#writer, sequence), decodeAddress);
  }

  /** Throws `SystemError`. */
  changeAddress(verb: "add" | "remove", request: AddressRequest): void {
    this.#exchange(
      `${verb} address`,
      (sequence) => encodeAddress(this.#writer, sequence, verb, request),
      () => {},
    );
  }

  /** Throws `SystemError`. */
  changeRoute(verb: "add" | "remove", route: ConnectedRoute): void {
    this.#exchange(
      `${verb} route`,
      (sequence) => encodeRoute(this.#writer, sequence, verb, route),
      () => {},
    );
  }

  [Symbol.dispose](): void {
    this.#socket.close();
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
          if (errno !== 0) throw new SystemError(operation, errno);
          return;
        }
        take(view, message);
      }
    }
  }
}
