/**
 * Somebody on the clients' network who means harm, in a process of its own, so that it can live in
 * their namespace: it records what the nodes tell each other, and sends whatever frames it is told to.
 * It is spoken to in lines of JSON (hostile.ts).
 */
import { RouteSocket } from "../../lib/host/route_socket.ts";
import { PacketSocket } from "../../lib/host/packet_socket.ts";
import { heartbeatFilter, heartbeatGroupMac } from "../../lib/wire/frame.ts";
import { clusterId } from "../../lib/wire/seal.ts";
import { lineStream } from "../../cli/demo/line_stream.ts";

export interface HostileOptions {
  readonly interface: string;
  readonly clusterName: string;
}

/** Frames are whole, from the Ethernet header on, in base64. */
export type HostileOrder =
  /** All datagrams of the cluster in this time, in their order. */
  | { readonly do: "record"; readonly ms: number }
  /** Each frame once; the answer is how many left. */
  | { readonly do: "send"; readonly frames: readonly string[]; readonly everyMs: number }
  /** The frames again and again, until another order comes. */
  | { readonly do: "repeat"; readonly frames: readonly string[]; readonly everyMs: number }
  /**
   * The frames in turn, so often in all and as fast as possible, with new random bytes from
   * `randomFrom` on; null: as they are.
   */
  | {
    readonly do: "flood";
    readonly frames: readonly string[];
    readonly count: number;
    readonly randomFrom: number | null;
  }
  /** Each datagram that a node sends at once so many times, until there were `count` copies. */
  | { readonly do: "parrot"; readonly copies: number; readonly count: number }
  | { readonly do: "stop" };

export interface FloodResult {
  readonly sent: number;
  readonly ms: number;
}

/** A flood lets go of the processor now and then, for its own input. */
const floodInARow = 500;

if (import.meta.main) await main(JSON.parse(Deno.args[0]));

async function main({ interface: name, clusterName }: HostileOptions): Promise<void> {
  using route = new RouteSocket();
  const { index } = route.links().find((link) => link.name === name)!;
  // Without the key nobody knows a tag: everything that names the cluster is recorded.
  const filter = heartbeatFilter(clusterId(clusterName), [new Uint8Array(4)], "strangers");
  const open = () => new PacketSocket(index, 0x0800, filter, 1024 * 1024);
  const socket = open();
  let repeating: AbortController | null = null;

  const perform = async (order: HostileOrder): Promise<unknown> => {
    repeating?.abort();
    repeating = null;
    switch (order.do) {
      case "record":
        return await record(open(), order.ms);
      case "send": {
        let sent = 0;
        for (const frame of order.frames.map((text) => Uint8Array.fromBase64(text))) {
          if (socket.send(frame)) sent++;
          await pause(order.everyMs);
        }
        return sent;
      }
      case "repeat": {
        repeating = new AbortController();
        const frames = order.frames.map((text) => Uint8Array.fromBase64(text));
        repeat(socket, frames, order.everyMs, repeating.signal);
        return null;
      }
      case "flood":
        return await flood(socket, order);
      case "parrot":
        return await parrot(open(), socket, order);
      case "stop":
        return null;
    }
  };

  console.log(JSON.stringify({ result: "ready" }));
  for await (const line of lineStream(Deno.stdin.readable)) {
    console.log(JSON.stringify({ result: await perform(JSON.parse(line)) }));
  }
  Deno.exit();
}

async function record(socket: PacketSocket, ms: number): Promise<string[]> {
  socket.joinGroup(new Uint8Array(heartbeatGroupMac));
  const frames: string[] = [];
  const buffer = new Uint8Array(2048);
  for (const until = performance.now() + ms; performance.now() < until; await pause(10)) {
    for (let length; (length = socket.receive(buffer)) !== null;) {
      frames.push(buffer.subarray(0, length).toBase64());
    }
  }
  socket.close();
  return frames;
}

async function repeat(
  socket: PacketSocket,
  frames: readonly Uint8Array<ArrayBuffer>[],
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (let i = 0; !signal.aborted; i = (i + 1) % frames.length) {
    socket.send(frames[i]);
    await pause(everyMs);
  }
}

async function flood(
  socket: PacketSocket,
  order: Extract<HostileOrder, { do: "flood" }>,
): Promise<FloodResult> {
  const frames = order.frames.map((text) => Uint8Array.fromBase64(text));
  const startedAt = performance.now();
  let sent = 0;
  for (let i = 0; i < order.count; i++) {
    const frame = frames[i % frames.length];
    if (order.randomFrom !== null) crypto.getRandomValues(frame.subarray(order.randomFrom));
    if (socket.send(frame)) sent++;
    if (i % floodInARow === 0) await pause(0);
  }
  return { sent, ms: performance.now() - startedAt };
}

async function parrot(
  ear: PacketSocket,
  mouth: PacketSocket,
  { copies, count }: Extract<HostileOrder, { do: "parrot" }>,
): Promise<FloodResult> {
  ear.joinGroup(new Uint8Array(heartbeatGroupMac));
  const buffer = new Uint8Array(2048);
  const startedAt = performance.now();
  let sent = 0;
  while (sent < count) {
    for (let length; sent < count && (length = ear.receive(buffer)) !== null;) {
      const frame = buffer.slice(0, length);
      for (let i = 0; i < copies; i++) if (mouth.send(frame)) sent++;
    }
    await pause(0);
  }
  ear.close();
  return { sent, ms: performance.now() - startedAt };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
