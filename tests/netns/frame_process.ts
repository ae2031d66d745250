/**
 * Watches an interface from inside a namespace: `frame_process.ts INTERFACE` says `listening`, and at
 * the end of its input prints the frames that have passed, one in hexadecimal a line.
 */
import { interfaceIndex, setSocketOption, SO_RCVBUFFORCE, SOL_PACKET } from "../../ffi/libc.ts";
import { SOL_SOCKET } from "../../ffi/libc.ts";
import { PacketSocket } from "../../lib/host/packet_socket.ts";

const ETH_P_ALL = 3;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_PROMISC = 1;
const all = [[0x06, 0, 0, 0xffff]] as const;

if (import.meta.main) await main(Deno.args[0]);

async function main(device: string): Promise<void> {
  const index = interfaceIndex(device);
  if (index === null) throw new Error(`${device}: no such interface`);
  const socket = new PacketSocket(index, ETH_P_ALL, all, 1 << 20);
  setSocketOption(socket.fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
  const request = new Uint8Array(16); // struct packet_mreq
  const view = new DataView(request.buffer);
  view.setInt32(0, index, true);
  view.setUint16(4, PACKET_MR_PROMISC, true);
  setSocketOption(socket.fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request);
  console.log("listening");
  for await (const _ of Deno.stdin.readable);
  const frame = new Uint8Array(65536), lines: string[] = [];
  for (let length; (length = socket.receive(frame)) !== null;) {
    lines.push(frame.subarray(0, length).toHex());
  }
  socket.close();
  await new Response(lines.map((line) => line + "\n").join("")).body?.pipeTo(Deno.stdout.writable);
}
