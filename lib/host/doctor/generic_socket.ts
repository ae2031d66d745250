/** Asks the kernel over generic netlink, one request at a time. */
import { NetlinkSocket } from "../../../ffi/libmnl.ts";
import { SystemError } from "../../../ffi/library.ts";
import {
  decodeFamily,
  decodeFeatures,
  decodeModes,
  decodeXdp,
  encodeFamilyRequest,
  encodeFeaturesRequest,
  encodeModesRequest,
  encodeXdpRequest,
} from "../../netlink/generic.ts";
import {
  errorOf,
  type Message,
  messages,
  MessageWriter,
  NLMSG_ERROR,
} from "../../netlink/message.ts";

const NETLINK_GENERIC = 16;
const answerBytes = 32 * 1024;

type Encode = (writer: MessageWriter, sequence: number) => void;

export class GenericSocket implements Disposable {
  readonly #socket = new NetlinkSocket(NETLINK_GENERIC);
  readonly #writer = new MessageWriter(256);
  readonly #answer = new Uint8Array(answerBytes);
  readonly #families = new Map<string, number | null>();
  #sequence = 0;

  /** What `ethtool -k` shows as on; empty where the kernel cannot tell. */
  features(index: number): string[] {
    const family = this.#family("ethtool");
    return family === null ? [] : this.#ask(
      (writer, sequence) => encodeFeaturesRequest(writer, sequence, family, index),
      decodeFeatures,
    ) ?? [];
  }

  modes(index: number): { speed: number | null; isHalfDuplex: boolean } {
    const unknown = { speed: null, isHalfDuplex: false };
    const family = this.#family("ethtool");
    return family === null ? unknown : this.#ask(
      (writer, sequence) => encodeModesRequest(writer, sequence, family, index),
      decodeModes,
    ) ?? unknown;
  }

  /** Whether the driver runs XDP programs; null where the kernel cannot tell. */
  hasXdp(index: number): boolean | null {
    const family = this.#family("netdev");
    return family === null ? null : this.#ask(
      (writer, sequence) => encodeXdpRequest(writer, sequence, family, index),
      decodeXdp,
    );
  }

  #family(name: string): number | null {
    const known = this.#families.get(name);
    if (known !== undefined) return known;
    const found = this.#ask(
      (writer, sequence) => encodeFamilyRequest(writer, sequence, name),
      decodeFamily,
    );
    this.#families.set(name, found);
    return found;
  }

  /** null where the kernel refuses: what it does not know of, it cannot tell. */
  #ask<T>(encode: Encode, decode: (view: DataView, message: Message) => T): T | null {
    const sequence = ++this.#sequence;
    this.#writer.reset();
    encode(this.#writer, sequence);
    this.#socket.send(this.#writer.bytes);
    const view = new DataView(this.#answer.buffer);
    let found: T | null = null;
    for (;;) {
      let length: number;
      try {
        length = this.#socket.receive(this.#answer, 0) ?? 0;
      } catch (error) {
        if (error instanceof SystemError) return null;
        throw error;
      }
      for (const message of messages(view, length)) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_ERROR) return errorOf(view, message) === 0 ? found : null;
        found = decode(view, message);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
