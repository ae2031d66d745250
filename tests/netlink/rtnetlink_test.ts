/** rtnetlink's bytes, against requests as iproute2 sends them and answers as the kernel gives them. */
import { messages, MessageWriter } from "../../lib/netlink/message.ts";
import {
  decodeAddress,
  decodeLink,
  encodeAddress,
  encodeLinkUp,
  encodeRoute,
} from "../../lib/netlink/rtnetlink.ts";
import { assertEquals } from "../assert.ts";

function written(write: (writer: MessageWriter) => void): string {
  const writer = new MessageWriter(512);
  write(writer);
  return writer.bytes.toHex();
}

/** Fields one behind the other, with blanks where one ends. */
const hex = (...fields: string[]) => fields.join("").replaceAll(" ", "");

const header = (length: string, type: string, flags: string) =>
  hex(length, type, flags, "07000000 00000000");

Deno.test("a shared IPv4 address: nodad and noprefixroute", () => {
  const request = {
    name: "eth0",
    index: 5,
    family: 4,
    bytes: Uint8Array.of(192, 0, 2, 1),
    prefixLength: 32,
    use: "shared",
  } as const;
  assertEquals(
    written((writer) => encodeAddress(writer, 7, "add", request)),
    hex(
      header("30000000", "1400", "0506"), // REQUEST | ACK | CREATE | EXCL
      "02 20 00 00 05000000", // family, prefix, flags, scope, index
      "0800 0200 c0000201",
      "0800 0100 c0000201",
      "0800 0800 02020000", // IFA_F_NODAD | IFA_F_NOPREFIXROUTE
    ),
  );
  assertEquals(
    written((writer) => encodeAddress(writer, 7, "remove", request)),
    hex(
      header("28000000", "1500", "0500"),
      "02 20 00 00 05000000 0800 0200 c0000201 0800 0100 c0000201",
    ),
  );
});

Deno.test("a shared IPv6 address: preferred for no time, valid for ever", () => {
  const bytes = Uint8Array.fromHex("20010db8000000000000000000000001");
  const request = { name: "eth0", index: 5, family: 6, bytes, prefixLength: 128 } as const;
  assertEquals(
    written((writer) => encodeAddress(writer, 7, "add", { ...request, use: "shared" })),
    hex(
      header("5c000000", "1400", "0506"),
      "0a 80 00 00 05000000",
      "1400 0200",
      bytes.toHex(),
      "1400 0100",
      bytes.toHex(),
      "0800 0800 02020000",
      "1400 0600 00000000 ffffffff 00000000 00000000",
    ),
  );
});

Deno.test("a group: joined by the kernel, of host scope, with a label of its own", () => {
  const request = {
    name: "a-15-bytes-name",
    index: 5,
    family: 4,
    bytes: Uint8Array.of(239, 128, 1, 2),
    prefixLength: 32,
    use: "group",
  } as const;
  assertEquals(
    written((writer) => encodeAddress(writer, 7, "add", request)),
    hex(
      header("44000000", "1400", "0506"),
      "02 20 00 fe 05000000 0800 0200 ef800102 0800 0100 ef800102",
      "1400 0300",
      new TextEncoder().encode("a-15-bytes-na:g\0").toHex(),
      "0800 0800 00040000", // IFA_F_MCAUTOJOIN
    ),
  );
});

Deno.test("a connected route", () => {
  const network = Uint8Array.of(192, 0, 2, 0);
  assertEquals(
    written((writer) =>
      encodeRoute(writer, 7, "add", { index: 5, family: 4, network, prefixLength: 24 })
    ),
    hex(
      header("2c000000", "1800", "0506"),
      "02 18 00 00 fe 04 fd 01 00000000", // main table, static, link, unicast
      "0800 0100 c0000200 0800 0400 05000000",
    ),
  );
});

Deno.test("a connected route with a metric, which tells it from another device's", () => {
  const network = Uint8Array.fromHex("fe800000000000000000000000000000");
  const route = { index: 5, family: 6, network, prefixLength: 64, metric: 1029 } as const;
  assertEquals(
    written((writer) => encodeRoute(writer, 7, "remove", route)),
    hex(
      header("40000000", "1900", "0500"),
      "0a 40 00 00 fe 04 00 01 00000000",
      "1400 0100",
      network.toHex(),
      "0800 0400 05000000 0800 0600 05040000",
    ),
  );
});

Deno.test("an interface is set up", () => {
  assertEquals(
    written((writer) => encodeLinkUp(writer, 7, 5)),
    hex(header("20000000", "1000", "0500"), "00 00 0000 05000000 01000000 01000000"),
  );
});

function firstMessage(text: string) {
  const bytes = Uint8Array.fromHex(text);
  const view = new DataView(bytes.buffer);
  return { view, message: messages(view, bytes.length).next().value! };
}

const linkText = hex(
  "60000000 1000 0200 07000000 00000000",
  "00 00 0100 05000000 43100100 00000000", // Ethernet, index 5; IFF_UP and IFF_LOWER_UP are set
  "0900 0300 65746830 00 000000", // eth0
  "0a00 0100 020000000001 0000",
  "0800 0500 04000000 0800 0a00 03000000", // lies on 4, is a port of 3
  "1800 12 80 0900 0100 76657468 00 000000 0800 0200 00000000", // linkinfo: kind veth
);

Deno.test("an interface of a dump", () => {
  const { view, message } = firstMessage(linkText);
  assertEquals(decodeLink(view, message), {
    index: 5,
    name: "eth0",
    isEthernet: true,
    mac: Uint8Array.fromHex("020000000001"),
    kind: "veth",
    lower: 4,
    master: 3,
    isUp: true,
    hasCarrier: true,
  });
  assertEquals(decodeAddress(view, message), null);
});

Deno.test("an address of a dump; on a point-to-point link the own end counts", () => {
  const text = hex(
    "28000000 1400 0200 07000000 00000000 02 18 80 00 05000000",
    "0800 0100 0a000002 0800 0200 0a000001",
  );
  const { view, message } = firstMessage(text);
  assertEquals(decodeAddress(view, message), {
    index: 5,
    family: 4,
    bytes: Uint8Array.of(10, 0, 0, 1),
    prefixLength: 24,
  });
  assertEquals(decodeLink(view, message), null);
});

Deno.test("what is cut short is no interface and no address", () => {
  for (const [text, decode] of [[linkText, decodeLink], [linkText, decodeAddress]] as const) {
    for (let bytes = 16; bytes < 32; bytes += 4) {
      const cut = Uint8Array.fromHex(text.slice(0, 2 * bytes));
      const view = new DataView(cut.buffer);
      view.setUint32(0, bytes, true);
      const message = messages(view, cut.length).next().value!;
      assertEquals(decode(view, message), null);
    }
  }
});
