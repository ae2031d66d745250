/** Pings of a real-time thread: its own sockets, its own messages, nothing of the runtime's between. */
import {
  AF_INET,
  bind,
  close,
  receive,
  sendTo,
  SOCK_NONBLOCK,
  SOCK_RAW,
  socket,
} from "../../ffi/libc.ts";

/** IPv4. */
export interface PingPair {
  readonly source: string;
  readonly target: string;
}

const IPPROTO_ICMP = 1;
const echoRequest = 8, echoReply = 0;
const firstIdentifier = 0x4100;

export class Pings {
  readonly descriptors: readonly number[];
  readonly #targets: readonly Uint8Array<ArrayBuffer>[];
  readonly #buffer = new Uint8Array(2048);
  readonly #view = new DataView(this.#buffer.buffer);

  constructor(readonly pairs: readonly PingPair[]) {
    this.descriptors = pairs.map(({ source }) => {
      const fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
      bind(fd, inetAddress(source));
      return fd;
    });
    this.#targets = pairs.map(({ target }) => inetAddress(target));
  }

  /** `sequence`: of 16 bits. */
  send(pair: number, sequence: number): void {
    sendTo(this.descriptors[pair], echo(firstIdentifier + pair, sequence), this.#targets[pair]);
  }

  /** Every answer that has come. */
  receive(answered: (pair: number, sequence: number) => void): void {
    this.descriptors.forEach((fd, pair) => {
      while (receive(fd, this.#buffer) !== null) {
        const at = 4 * (this.#buffer[0] & 0x0f);
        const isAnswer = this.#buffer[at] === echoReply &&
          this.#view.getUint16(at + 4) === firstIdentifier + pair;
        if (isAnswer) answered(pair, this.#view.getUint16(at + 6));
      }
    });
  }

  close(): void {
    this.descriptors.forEach(close);
  }
}

/** struct sockaddr_in. */
function inetAddress(text: string): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(16);
  new DataView(address.buffer).setUint16(0, AF_INET, true);
  address.set(text.split(".").map(Number), 4);
  return address;
}

/** RFC 792. */
function echo(identifier: number, sequence: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(16);
  const view = new DataView(message.buffer);
  view.setUint8(0, echoRequest);
  view.setUint16(4, identifier);
  view.setUint16(6, sequence);
  let sum = (echoRequest << 8) + identifier + sequence;
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(2, ~sum & 0xffff);
  return message;
}
