/**
 * libmnl: netlink sockets. Its parsing and building helpers are not bound: messages are read and
 * written in `lib/netlink/`, without a call for each attribute.
 */
import { lastErrno, receive, send, setSocketOption, SOL_NETLINK } from "./libc.ts";
import { openLibrary, SystemError } from "./library.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

const symbols = {
  mnl_socket_open2: { parameters: ["i32", "i32"], result: "pointer" }, // int bus, int flags
  mnl_socket_bind: { parameters: ["pointer", "u32", "i32"], result: "i32" }, // struct mnl_socket *, unsigned groups, pid_t
  mnl_socket_get_fd: { parameters: ["pointer"], result: "i32" }, // const struct mnl_socket *
  mnl_socket_get_portid: { parameters: ["pointer"], result: "u32" }, // const struct mnl_socket *
  mnl_socket_close: { parameters: ["pointer"], result: "i32" }, // struct mnl_socket *
} as const satisfies Deno.ForeignLibraryInterface;

let opened: Deno.DynamicLibrary<typeof symbols>["symbols"] | undefined;
function mnl() {
  return opened ??= openLibrary("libmnl.so.0", symbols, "libmnl0").symbols;
}

/** One netlink socket, bound on opening. */
export class NetlinkSocket {
  readonly #socket: Deno.PointerObject;
  readonly fd: number;
  /** This socket's address: what the kernel writes into nlmsg_pid of its answers and of its events. */
  readonly portId: number;

  /** `groups` is the old 32-bit mask: group n is bit n - 1. */
  constructor(bus: number, groups = 0) {
    const socket = mnl().mnl_socket_open2(bus, 0x80000); // SOCK_CLOEXEC
    if (socket === null) throw new SystemError("mnl_socket_open", lastErrno());
    this.#socket = socket;
    if (mnl().mnl_socket_bind(socket, groups, 0) < 0) {
      const errno = lastErrno();
      mnl().mnl_socket_close(socket);
      throw new SystemError("mnl_socket_bind", errno);
    }
    this.fd = mnl().mnl_socket_get_fd(socket);
    this.portId = mnl().mnl_socket_get_portid(socket);
  }

  /** Has the kernel say in its own words why it refuses a request, and not repeat the request. */
  explainErrors(): void {
    setSocketOption(this.fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    setSocketOption(this.fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
  }

  /** Sends one or more messages; null when the kernel has no room now. */
  send(messages: Uint8Array<ArrayBuffer>): number | null {
    return send(this.fd, messages, 0);
  }

  /** Receives what is there; its length, or null when nothing is; with flags 0 it waits. */
  receive(into: Uint8Array<ArrayBuffer>, flags?: number): number | null {
    return receive(this.fd, into, flags);
  }

  close(): void {
    mnl().mnl_socket_close(this.#socket);
  }
}
