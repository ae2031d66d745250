/** What the frames between the lab's nodes and hosts tell about the shared addresses. */
import { FrameWatch } from "./frames.ts";
import { clusterMac, type Side, type SteeringLab } from "./steering_lab.ts";

export async function watchBoth(lab: SteeringLab): Promise<Record<Side, FrameWatch>> {
  const [inner, outer] = await Promise.all([
    FrameWatch.start(lab.name("sw"), "in"),
    FrameWatch.start(lab.name("sw"), "out"),
  ]);
  return { in: inner, out: outer };
}

export function isFrom(frame: Uint8Array, network: readonly number[]): boolean {
  return frame[12] === 0x08 && frame[13] === 0 &&
    network.every((byte, i) => frame[26 + i] === byte);
}

/** What a side's frames tell about the shared addresses: who is named, and by which MAC. */
export function namedInFrames(frames: readonly Uint8Array[], side: Side): string[] {
  const n = side === "in" ? 1 : 2;
  const isShared = (bytes: Uint8Array) =>
    bytes.toHex() === (bytes.length === 4 ? `0a0${n}0064` : `fd0${n}${"0".repeat(24)}0100`);
  const by = (mac: Uint8Array) =>
    mac.toHex() === clusterMac[side] ? "shared by cluster MAC" : "shared by other MAC";
  return frames.flatMap((frame) => {
    const told: string[] = [];
    if (frame.subarray(6, 12).toHex() === clusterMac[side]) told.push("cluster MAC as source");
    const type = frame.subarray(12, 14).toHex(), l3 = frame.subarray(14);
    if (type === "0806" && isShared(l3.subarray(14, 18))) {
      told.push(`arp ${l3[7] === 1 ? "request" : "reply"}: ${by(l3.subarray(8, 14))}`);
    }
    if (type === "86dd" && l3[6] === 58 && l3[40] >= 133 && l3[40] <= 136) {
      const packet = l3.subarray(0, 40 + (l3[4] << 8 | l3[5]));
      const who = l3[40] === 136 ? packet.subarray(48, 64) : packet.subarray(8, 24);
      const option = packet.subarray(40 + ({ 133: 8, 134: 16 }[packet[40]] ?? 24));
      if (isShared(who)) {
        if (!isChecksumRight(packet)) told.push(`ndp ${packet[40]}: checksum`);
        if (option.length >= 8) told.push(`ndp ${packet[40]}: ${by(option.subarray(2, 8))}`);
      }
    } else if (
      type === "86dd"
        ? isShared(l3.subarray(8, 24))
        : type === "0800" && isShared(l3.subarray(12, 16))
    ) {
      told.push("shared as IP sender");
    }
    return told;
  });
}

/** ICMPv6: over the pseudo header of RFC 8200, 8.1. */
function isChecksumRight(packet: Uint8Array): boolean {
  const message = packet.subarray(40);
  const summed = new Uint8Array(40 + message.length + (message.length & 1));
  summed.set(packet.subarray(8, 40));
  new DataView(summed.buffer).setUint32(32, message.length);
  summed[39] = 58;
  summed.set(message, 40);
  let sum = 0;
  for (let i = 0; i < summed.length; i += 2) sum += summed[i] << 8 | summed[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum === 0xffff;
}
