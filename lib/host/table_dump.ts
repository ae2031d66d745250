/**
 * One reading of the connection table, made by a thread of the runtime's pool. The kernel walks all slots
 * of the table, also the empty ones, in the very calls that ask for it and read it: up to 10 ms each, in which
 * the daemon's own thread would do nothing else.
 *
 * One piece is fetched while the one before it is looked at.
 */
import { receiveOnPool, sendOnPool } from "../../ffi/libc.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../ffi/libmnl.ts";

/** The kernel fills at most 32 KiB of a reader's buffer at once. */
const pieceBytes = 32 * 1024;
/** Where the kernel had no memory for the next piece it makes it at the next attempt. */
const retryMs = 10;

export class TableDump {
  readonly #socket = new NetlinkSocket(NETLINK_NETFILTER);
  readonly #buffers = [new Uint8Array(pieceBytes), new Uint8Array(pieceBytes)];
  readonly #onPiece: () => void;
  /** Of the piece that has come; null: none has. */
  #length: number | null = null;
  #failure: unknown = null;
  #isClosed = false;
  #isFetching = false;

  /** `request`: of the dump. `onPiece`: there is something to be taken. */
  constructor(request: Uint8Array<ArrayBuffer>, onPiece: () => void) {
    this.#onPiece = onPiece;
    this.#fetch(request.slice());
  }

  /**
   * The next piece, valid until the one after it is taken; null: it has not come yet. Throws `SystemError`
   * where the kernel refuses.
   */
  take(): Uint8Array<ArrayBuffer> | null {
    if (this.#failure !== null) throw this.#failure;
    const length = this.#length;
    if (length === null) return null;
    this.#length = null;
    const [piece, next] = this.#buffers;
    this.#buffers[0] = next;
    this.#buffers[1] = piece;
    this.#fetch();
    return piece.subarray(0, length);
  }

  /** At its end, or before. */
  close(): void {
    this.#isClosed = true;
    if (!this.#isFetching) this.#socket.close();
  }

  /** Fetches the next piece; the first one behind the request. */
  async #fetch(request?: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#isFetching = true;
    if (request !== undefined) await this.#ask(request);
    let length: number | null = null;
    while (!this.#isClosed && this.#failure === null) {
      length = await receiveOnPool(this.#socket.fd, this.#buffers[0]);
      if (length !== null) break;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
    this.#isFetching = false;
    if (this.#isClosed) return this.#socket.close();
    this.#length = length;
    this.#onPiece();
  }

  async #ask(request: Uint8Array<ArrayBuffer>): Promise<void> {
    if (await sendOnPool(this.#socket.fd, request)) return;
    try {
      this.#socket.send(request); // here it can be said why not
    } catch (error) {
      this.#failure = error;
    }
  }
}
