/** What the kernel tells of interfaces beyond their place: answers as it writes them. */
import { decodeFamily, decodeFeatures, decodeModes, decodeXdp } from "../../lib/netlink/generic.ts";
import { decodeLinkDetails } from "../../lib/netlink/link_details.ts";
import { type Message, messages, MessageWriter } from "../../lib/netlink/message.ts";
import { decodeNeighbour } from "../../lib/netlink/neighbour.ts";
import { assertEquals } from "../assert.ts";

/** One message that `write` fills, as it is received. */
function received(
  type: number,
  header: Uint8Array,
  write: (writer: MessageWriter) => void,
): [DataView, Message] {
  const writer = new MessageWriter(2048);
  writer.begin(type, 0, 1, header);
  write(writer);
  writer.end();
  const bytes = writer.bytes.slice();
  const view = new DataView(bytes.buffer);
  return [view, [...messages(view, bytes.length)][0]];
}

const RTM_NEWLINK = 16;
const linkHeader = () => {
  const header = new Uint8Array(16);
  new DataView(header.buffer).setUint16(2, 1, true); // ARPHRD_ETHER
  return header;
};

Deno.test("link details: MTU, losses, program and bridge", () => {
  const statistics = new Uint8Array(8 * 24);
  const words = new DataView(statistics.buffer);
  words.setBigUint64(0, 1000n, true);
  words.setBigUint64(8 * 15, 7n, true); // rx_missed_errors
  const [view, message] = received(RTM_NEWLINK, linkHeader(), (writer) => {
    writer.string(3, "br0");
    writer.u32(4, 9000);
    writer.raw(23, statistics);
    const xdp = writer.openNested(43);
    writer.u8(2, 1);
    writer.u32(4, 321);
    writer.closeNested(xdp);
    const info = writer.openNested(18);
    writer.string(1, "bridge");
    const data = writer.openNested(2);
    writer.u8(23, 1);
    writer.closeNested(data);
    writer.closeNested(info);
  });
  const link = decodeLinkDetails(view, message)!;
  assertEquals([link.name, link.mtu, link.kind], ["br0", 9000, "bridge"]);
  assertEquals(link.received, { packets: 1000, missed: 7 });
  assertEquals(link.xdp, { program: 321 });
  assertEquals(link.bridge, { isSnooping: true });
});

Deno.test("link details: nothing of it, and what is cut short", () => {
  const [view, message] = received(RTM_NEWLINK, linkHeader(), (writer) => {
    writer.string(3, "eth0");
    writer.raw(23, new Uint8Array(8));
    const xdp = writer.openNested(43);
    writer.u8(2, 0); // XDP_ATTACHED_NONE
    writer.closeNested(xdp);
  });
  const link = decodeLinkDetails(view, message)!;
  assertEquals([link.received, link.xdp, link.bridge], [null, null, null]);
  const [other, wrong] = received(99, linkHeader(), () => {});
  assertEquals(decodeLinkDetails(other, wrong), null);
});

Deno.test("generic netlink: families, features, modes and XDP", () => {
  const genl = new Uint8Array(4);
  assertEquals(decodeFamily(...received(16, genl, (writer) => writer.u16(1, 21))), 21);
  assertEquals(decodeFamily(...received(16, genl, () => {})), null);

  const features = (isList: boolean) =>
    decodeFeatures(...received(21, genl, (writer) => {
      const active = writer.openNested(4);
      if (isList) writer.raw(1, new Uint8Array(0)); // NOMASK
      const bits = writer.openNested(3);
      for (const [name, isSet] of [["rx-gro", true], ["rx-lro", false]] as const) {
        const bit = writer.openNested(1);
        writer.string(2, name);
        if (isSet) writer.raw(3, new Uint8Array(0));
        writer.closeNested(bit);
      }
      writer.closeNested(bits);
      writer.closeNested(active);
    }));
  assertEquals(features(true), ["rx-gro", "rx-lro"]);
  assertEquals(features(false), ["rx-gro"]);

  const modes = (speed: number, duplex: number) =>
    decodeModes(...received(21, genl, (writer) => {
      writer.u32(5, speed);
      writer.u8(6, duplex);
    }));
  assertEquals(modes(10_000, 1), { speed: 10_000, isHalfDuplex: false });
  assertEquals(modes(0xffffffff, 0), { speed: null, isHalfDuplex: true });

  const xdp = (features: bigint) =>
    decodeXdp(...received(22, genl, (writer) => writer.u64(3, features)));
  assertEquals([xdp(0x7fn), xdp(0n), decodeXdp(...received(22, genl, () => {}))], [
    true,
    false,
    null,
  ]);
});

Deno.test("neighbours: the family of an entry", () => {
  const of = (type: number, family: number) =>
    decodeNeighbour(...received(type, new Uint8Array(12).fill(family, 0, 1), () => {}));
  assertEquals([of(28, 2), of(28, 10), of(28, 7), of(16, 2)], [4, 6, null, null]);
});
