/** One echoed UDP flow from a given address: sequence numbers show what is missing or came twice. */
import { createSocket, type Socket } from "node:dgram";
import { GapMeter, SequenceMeter } from "./meters.ts";
import { echoPort, type Pair } from "./traffic_protocol.ts";

const datagramBytes = 64;

export class UdpFlow {
  readonly gap = new GapMeter(performance.now());
  readonly sequence = new SequenceMeter(0, 32);
  readonly #socket: Socket;
  #next = 0;

  private constructor(readonly pair: Pair, socket: Socket) {
    this.#socket = socket;
    socket.on("message", (datagram: Uint8Array) => {
      this.gap.heard(performance.now());
      this.sequence.heard(new DataView(datagram.buffer, datagram.byteOffset).getUint32(0));
    });
    // An ICMP error is an answer missing, which is counted anyway.
    socket.on("error", () => {});
  }

  static async open(pair: Pair): Promise<UdpFlow> {
    const socket = createSocket(pair.source.includes(":") ? "udp6" : "udp4");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("error", reject);
    socket.bind(0, pair.source, resolve);
    await promise;
    socket.off("error", reject);
    return new UdpFlow(pair, socket);
  }

  send(): void {
    const datagram = new Uint8Array(datagramBytes);
    new DataView(datagram.buffer).setUint32(0, this.#next++);
    this.#socket.send(datagram, echoPort, this.pair.target, () => {});
  }

  close(): void {
    this.#socket.close();
  }
}
