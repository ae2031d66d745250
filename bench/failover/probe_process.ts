/**
 * Asks through the cluster once a millisecond and hears the heartbeats of one node, in one real-time
 * thread and by one clock: so it can tell how long after the end of that node's detection time the first
 * answer came by each heir.
 *
 * It runs among the clients. The first argument is its order; it prints "ready", then its report.
 */
import {
  AF_INET,
  bind,
  close,
  PollSet,
  receive,
  sendTo,
  SOCK_NONBLOCK,
  SOCK_RAW,
  socket,
} from "../../ffi/libc.ts";
import { now } from "../../lib/host/clock.ts";
import { PacketSocket } from "../../lib/host/packet_socket.ts";
import { preferCore } from "../../lib/host/scheduling.ts";
import { heartbeatGroupMac } from "../../lib/wire/frame.ts";

export interface ProbeOrder {
  /** One for each heir of the node that will die; IPv4. */
  readonly pairs: readonly { readonly source: string; readonly target: string }[];
  /** The node's own MAC on this network, as in ip(8), and this network's interface. */
  readonly mac: string;
  readonly interfaceIndex: number;
  readonly detectionMs: number;
  readonly timeoutMs: number;
}

export interface ProbeReport {
  /** From the end of the detection time to the first answer, for each pair; null: none came. */
  readonly afterMs: readonly (number | null)[];
  /** How late this thread was at worst since the node was heard last. */
  readonly ownDelayMs: number;
}

const IPPROTO_ICMP = 1;
const ETH_P_IP = 0x0800;
const echoRequest = 8, echoReply = 0;
const periodMs = 1;
/** Of a detection time: what comes after so much silence of the node is not its own answer. */
const silentPart = 0.6;

const acceptAll = [[0x06, 0, 0, 0xffff]] as const; // BPF_RET | BPF_K

function watch(order: ProbeOrder): ProbeReport {
  const { detectionMs, pairs } = order;
  const sockets = pairs.map(({ source }) => {
    const fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
    bind(fd, inetAddress(source));
    return fd;
  });
  const targets = pairs.map(({ target }) => inetAddress(target));
  const requests = pairs.map((_, i) => echo(i));
  const heartbeats = new PacketSocket(order.interfaceIndex, ETH_P_IP, acceptAll, 1 << 20);
  heartbeats.joinGroup(new Uint8Array(heartbeatGroupMac));
  const mac = order.mac.split(":").map((byte) => parseInt(byte, 16));
  const poll = new PollSet([heartbeats.fd, ...sockets]);
  const buffer = new Uint8Array(2048);
  const answeredAt: (number | null)[] = pairs.map(() => null);
  const endAt = now() + order.timeoutMs;
  let heardAt = Infinity, ownDelayMs = 0;
  for (let dueMs = now(), turn = 0; now() < endAt && answeredAt.includes(null); turn++) {
    const i = turn % pairs.length;
    sendTo(sockets[i], requests[i], targets[i]);
    dueMs += periodMs;
    while (now() < dueMs) {
      poll.wait(Math.max(0, Math.ceil(dueMs - now())));
      for (let length; (length = heartbeats.receive(buffer)) !== null;) {
        if (!isHeartbeatOf(mac, buffer.subarray(0, length))) continue;
        heardAt = now();
        ownDelayMs = 0;
      }
      const at = now();
      sockets.forEach((fd, pair) => {
        while (receive(fd, buffer) !== null) {
          const isAnswer = buffer[ipHeaderBytes(buffer)] === echoReply;
          if (isAnswer && at > heardAt + silentPart * detectionMs) answeredAt[pair] ??= at;
        }
      });
    }
    ownDelayMs = Math.max(ownDelayMs, now() - dueMs);
    dueMs = Math.max(dueMs, now() - 10 * periodMs);
  }
  sockets.forEach(close);
  heartbeats.close();
  return {
    afterMs: answeredAt.map((at) => at === null ? null : at - heardAt - detectionMs),
    ownDelayMs,
  };
}

function isHeartbeatOf(mac: readonly number[], frame: Uint8Array): boolean {
  return mac.every((byte, i) => frame[6 + i] === byte) &&
    heartbeatGroupMac.every((byte, i) => frame[i] === byte);
}

/** struct sockaddr_in. */
function inetAddress(text: string): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(16);
  new DataView(address.buffer).setUint16(0, AF_INET, true);
  address.set(text.split(".").map(Number), 4);
  return address;
}

/** RFC 792, with the pair's place as the identifier. */
function echo(id: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(16);
  const view = new DataView(message.buffer);
  view.setUint8(0, echoRequest);
  view.setUint16(4, 0x4100 + id);
  view.setUint16(2, 0xffff - ((echoRequest << 8) + 0x4100 + id)); // the sum of all other words
  return message;
}

function ipHeaderBytes(packet: Uint8Array): number {
  return 4 * (packet[0] & 0x0f);
}

if (import.meta.main) {
  preferCore();
  console.log("ready");
  console.log(JSON.stringify(watch(JSON.parse(Deno.args[0]))));
}
