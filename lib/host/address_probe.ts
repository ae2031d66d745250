/** Probes for the shared addresses on their interfaces, while a node listens before it starts. */
import type { FilterInstruction } from "../wire/frame.ts";
import { answeredAddress, isAnnouncement, probeFrame } from "../wire/probe.ts";
import { PacketSocket } from "./packet_socket.ts";

/** A shared address and where to ask for it. */
export interface ProbeTarget {
  readonly interfaceIndex: number;
  readonly mac: Uint8Array;
  readonly address: Uint8Array;
  /** This node's own address of that family on that interface; null where it has none. */
  readonly ownAddress: Uint8Array | null;
  /** Which the nodes tell for it. */
  readonly clusterMac: Uint8Array;
}

const ETH_P_ARP = 0x0806;
const ETH_P_IPV6 = 0x86dd;
/** ARP replies only: the operation, at byte 20, is 2. */
export const arpReplies: readonly FilterInstruction[] = [
  [0x28, 0, 0, 20],
  [0x15, 0, 1, 2],
  [0x06, 0, 0, 0xffff],
  [0x06, 0, 0, 0],
];
/** Neighbour advertisements only: ICMPv6, type 136. */
export const advertisements: readonly FilterInstruction[] = [
  [0x30, 0, 0, 20],
  [0x15, 0, 3, 58],
  [0x30, 0, 0, 54],
  [0x15, 0, 1, 136],
  [0x06, 0, 0, 0xffff],
  [0x06, 0, 0, 0],
];

export class AddressProbe {
  readonly #sockets = new Map<string, PacketSocket>();
  readonly #frame = new Uint8Array(2048);

  constructor(readonly targets: readonly ProbeTarget[]) {
    for (const { interfaceIndex, address } of targets) {
      const isIpv4 = address.length === 4;
      const key = `${interfaceIndex}/${address.length}`;
      if (this.#sockets.has(key)) continue;
      this.#sockets.set(
        key,
        new PacketSocket(
          interfaceIndex,
          isIpv4 ? ETH_P_ARP : ETH_P_IPV6,
          isIpv4 ? arpReplies : advertisements,
          64 * 1024,
        ),
      );
    }
  }

  ask(): void {
    for (const { interfaceIndex, mac, address, ownAddress } of this.targets) {
      const sender = ownAddress ?? new Uint8Array(address.length);
      this.#sockets.get(`${interfaceIndex}/${address.length}`)!.send(
        probeFrame(address, mac, sender),
      );
    }
  }

  /**
   * The shared addresses for which an answer has come since the last call. What a node of the cluster
   * announces to all is none: without native XDP it comes by here before the datapath drops it.
   */
  answers(): Uint8Array[] {
    const found: Uint8Array[] = [];
    for (const socket of this.#sockets.values()) {
      for (let length = socket.receive(this.#frame); length !== null;) {
        const frame = this.#frame.subarray(0, length);
        const answered = answeredAddress(frame);
        const target = this.targets.find(({ interfaceIndex, address }) =>
          interfaceIndex === socket.interfaceIndex && isEqual(address, answered)
        );
        if (target !== undefined && !isAnnouncement(frame, target.clusterMac)) {
          found.push(target.address);
        }
        length = socket.receive(this.#frame);
      }
    }
    return found;
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }
}

function isEqual(a: Uint8Array, b: Uint8Array | null): boolean {
  return b !== null && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
