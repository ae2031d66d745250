/** One echoed TCP connection from a given address. */
import { connect, type Socket } from "node:net";
import { echoMessage, EchoReader } from "./echo_stream.ts";
import { GapMeter } from "./meters.ts";
import { echoPort, type Pair } from "./traffic_protocol.ts";

/** A connection that cannot take this much more is not fed further. */
const backlogBytesMax = 1 << 20;

export class TcpFlow {
  /** Why it was lost; null while it lives. */
  lost: string | null = null;
  bytes = 0;
  readonly gap: GapMeter;
  readonly #socket: Socket;
  readonly #reader = new EchoReader();
  #sequence = 0;
  #ended = false;

  private constructor(readonly pair: Pair, socket: Socket, now: number) {
    this.#socket = socket;
    this.gap = new GapMeter(now);
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => this.#received(chunk));
    socket.on("error", (error: Error) => this.#lose(error.message));
    socket.on("close", () => this.#lose("closed by the other end"));
  }

  /** @throws Error where the connection is not open within `timeoutMs`. */
  static async open(pair: Pair, timeoutMs: number): Promise<TcpFlow> {
    const socket = connect({ host: pair.target, port: echoPort, localAddress: pair.source });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.once("connect", resolve);
    socket.once("error", reject);
    try {
      await promise;
      socket.off("error", reject);
      return new TcpFlow(pair, socket, performance.now());
    } catch (error) {
      socket.on("error", () => {});
      socket.destroy();
      const reason = (error as Error).message;
      throw new Error(`${pair.source} to ${pair.target}: ${reason}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends one message, unless the connection cannot keep up. */
  send(lengthBytes: number): void {
    if (this.lost !== null || this.#socket.writableLength > backlogBytesMax) return;
    this.#socket.write(echoMessage(this.#sequence++, lengthBytes));
  }

  /** Messages sent that have not come back. */
  get outstanding(): number {
    return this.#sequence - this.#reader.sequence;
  }

  /** Counts the connection as lost if it still lives. */
  giveUp(reason: string): void {
    this.#lose(reason);
  }

  close(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #received(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    this.gap.heard(performance.now());
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#lose((error as Error).message);
    }
  }

  #lose(reason: string): void {
    if (this.lost !== null || this.#ended) return;
    this.lost = reason;
    this.#socket.destroy();
  }
}
