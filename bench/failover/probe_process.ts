/**
 * Asks through the cluster once a millisecond and hears the heartbeats of one node, in one real-time
 * thread and by one clock: so it can tell how long after the end of that node's detection time the first
 * answer came by each heir.
 *
 * It runs among the clients. The first argument is its order; it prints "ready", then its report.
 */
import { PollSet } from "../../ffi/libc.ts";
import { now } from "../../lib/host/clock.ts";
import { PacketSocket } from "../../lib/host/packet_socket.ts";
import { preferCore } from "../../lib/host/scheduling.ts";
import { heartbeatGroupMac } from "../../lib/wire/frame.ts";
import { type PingPair, Pings } from "./pings.ts";

export interface ProbeOrder {
  /** One for each heir of the node that will die. */
  readonly pairs: readonly PingPair[];
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

const ETH_P_IP = 0x0800;
const periodMs = 1;
/** Of a detection time: what comes after so much silence of the node is not its own answer. */
const silentPart = 0.6;

const acceptAll = [[0x06, 0, 0, 0xffff]] as const; // BPF_RET | BPF_K

function watch(order: ProbeOrder): ProbeReport {
  const { detectionMs, pairs } = order;
  const pings = new Pings(pairs);
  const heartbeats = new PacketSocket(order.interfaceIndex, ETH_P_IP, acceptAll, 1 << 20);
  heartbeats.joinGroup(new Uint8Array(heartbeatGroupMac));
  const mac = order.mac.split(":").map((byte) => parseInt(byte, 16));
  const poll = new PollSet([heartbeats.fd, ...pings.descriptors]);
  const buffer = new Uint8Array(2048);
  const answeredAt: (number | null)[] = pairs.map(() => null);
  const endAt = now() + order.timeoutMs;
  let heardAt = Infinity, ownDelayMs = 0;
  for (let dueMs = now(), turn = 0; now() < endAt && answeredAt.includes(null); turn++) {
    pings.send(turn % pairs.length, turn & 0xffff);
    dueMs += periodMs;
    while (now() < dueMs) {
      poll.wait(Math.max(0, Math.ceil(dueMs - now())));
      for (let length; (length = heartbeats.receive(buffer)) !== null;) {
        if (!isHeartbeatOf(mac, buffer.subarray(0, length))) continue;
        heardAt = now();
        ownDelayMs = 0;
      }
      const at = now();
      pings.receive((pair) => {
        if (at > heardAt + silentPart * detectionMs) answeredAt[pair] ??= at;
      });
    }
    ownDelayMs = Math.max(ownDelayMs, now() - dueMs);
    dueMs = Math.max(dueMs, now() - 10 * periodMs);
  }
  pings.close();
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

if (import.meta.main) {
  preferCore();
  console.log("ready");
  console.log(JSON.stringify(watch(JSON.parse(Deno.args[0]))));
}
