/** Devices of the module clusterdev: the bytes of requests, and of answers as the module gives them. */
import { messages, MessageWriter } from "../../lib/netlink/message.ts";
import {
  decodeDevice,
  encodeDeviceChange,
  encodeDeviceCreate,
  encodeDeviceDelete,
  encodeDeviceDump,
  encodeKindProbe,
  type NewClusterDevice,
} from "../../lib/netlink/clusterdev.ts";
import { assertEquals } from "../assert.ts";

function written(write: (writer: MessageWriter) => void): string {
  const writer = new MessageWriter(1024);
  write(writer);
  return writer.bytes.toHex();
}

/** Fields one behind the other, with blanks where one ends. */
const hex = (...fields: string[]) => fields.join("").replaceAll(" ", "");

const header = (length: string, type: string, flags: string, index = "00000000") =>
  hex(length, type, flags, "07000000 00000000", "00 00 0000", index, "00000000 00000000");

const kind = "0f00 0100 636c7573746572646576 00 00"; // clusterdev
const cookie = "000102030405060708090a0b0c0d0e0f";

const device: NewClusterDevice = {
  name: "cluster0",
  lower: 5,
  mac: Uint8Array.fromHex("01005e010101"),
  key: "inside",
  side: "outside",
  seed: [0x11223344, 0xd57e11ed],
  nat4: Uint8Array.of(192, 0, 2, 1),
  inside: [
    { address: Uint8Array.of(10, 1, 0, 0), prefixLength: 24 },
    { address: Uint8Array.fromHex("fd010000000000000000000000000000"), prefixLength: 64 },
  ],
  markMask: 0x1ff00000,
  cookie: Uint8Array.fromHex(cookie),
  stateFd: 9,
};

Deno.test("a device is made with all that it goes by", () => {
  assertEquals(
    written((writer) => encodeDeviceCreate(writer, 7, device)),
    hex(
      header("dc000000", "1000", "0506"), // REQUEST | ACK | CREATE | EXCL
      "0d00 0300 636c757374657230 00 000000",
      "0800 0500 05000000",
      "0a00 0100 01005e010101 0000",
      "9800 1280",
      kind,
      "8400 0280",
      "0500 0200 02 000000", // key
      "0500 0300 01 000000", // side
      "0c00 0400 44332211 ed117ed5", // seed: the first word low
      "0800 0500 c0000201", // NAT address
      "3800 0680", // inside networks
      "1400 0180 0800 0200 0a010000 0500 0300 18 000000",
      "2000 0180 1400 0200 fd010000000000000000000000000000 0500 0300 40 000000",
      "0800 0700 0000f01f", // mark
      "1400 0b00",
      cookie,
      "0800 0c00 09000000", // the page
    ),
  );
});

Deno.test("what a share does not have is left out, or empty", () => {
  const plain = written((writer) =>
    encodeDeviceCreate(writer, 7, { ...device, key: "pair", side: null, nat4: null, inside: [] })
  );
  assertEquals(
    plain,
    hex(
      header("98000000", "1000", "0506"),
      "0d00 0300 636c757374657230 00 000000",
      "0800 0500 05000000",
      "0a00 0100 01005e010101 0000",
      "5400 1280",
      kind,
      "4000 0280",
      "0500 0200 01 000000",
      "0c00 0400 44332211 ed117ed5",
      "0400 0680",
      "0800 0700 0000f01f",
      "1400 0b00",
      cookie,
      "0800 0c00 09000000",
    ),
  );
});

Deno.test("a lease is taken back; a page is shared", () => {
  assertEquals(
    written((writer) => encodeDeviceChange(writer, 7, 5, { lease: 0n })),
    hex(
      header("44000000", "1000", "0500", "05000000"),
      "2400 1280",
      kind,
      "1000 0280",
      "0c00 0900 0000000000000000",
    ),
  );
  assertEquals(
    written((writer) => encodeDeviceChange(writer, 7, 5, { stateFd: 9 })),
    hex(
      header("40000000", "1000", "0500", "05000000"),
      "2000 1280",
      kind,
      "0c00 0280",
      "0800 0c00 09000000",
    ),
  );
});

Deno.test("a device is removed; all of them are asked for; the kind is asked for", () => {
  assertEquals(
    written((writer) => encodeDeviceDelete(writer, 7, 5)),
    header("20000000", "1100", "0500", "05000000"),
  );
  assertEquals(
    written((writer) => encodeDeviceDump(writer, 7)),
    hex(header("34000000", "1200", "0103"), "1400 1280", kind),
  );
  assertEquals(
    written((writer) => encodeKindProbe(writer, 7)),
    hex(header("38000000", "1000", "0506"), "1800 1280", kind, "0400 0280"),
  );
});

const answer = (of = kind) =>
  hex(
    "c4000000 1000 0200 07000000 00000000",
    "00 00 0100 07000000 43100100 00000000",
    "0d00 0300 636c757374657230 00 000000",
    "0800 0500 05000000",
    "0a00 0100 01005e010101 0000",
    "8000 12 80",
    of,
    "6c00 02 80",
    "0500 0200 01 000000",
    "0400 0100", // IFLA_CLUSTERDEV_PAD
    "0c00 0900 00e40b5402000000", // lease: 10 s
    "1400 0b00",
    cookie,
    "3c00 0d 80",
    "0c00 0200 0100000000000000",
    "0c00 0300 0200000000000000",
    "0c00 0400 0000000001000000",
    "0c00 0800 0500000000000000",
    "0800 0500 09000000", // of a wrong length: not taken
  );

function firstMessage(text: string) {
  const bytes = Uint8Array.fromHex(text);
  const view = new DataView(bytes.buffer);
  return { view, message: messages(view, bytes.length).next().value! };
}

Deno.test("a device of a dump, with its counters", () => {
  const { view, message } = firstMessage(answer());
  assertEquals(decodeDevice(view, message), {
    index: 7,
    name: "cluster0",
    isEthernet: true,
    mac: device.mac,
    kind: "clusterdev",
    lower: 5,
    master: null,
    isUp: true,
    hasCarrier: true,
    cookie: device.cookie,
    lease: 10_000_000_000n,
    counts: {
      accepted: 1,
      notOwned: 2,
      leaseExpired: 2 ** 32,
      malformed: 0,
      neighbour: 0,
      noMemory: 0,
      sent: 5,
    },
  });
});

Deno.test("links of other kinds, and what is cut short, are no such devices", () => {
  const other = firstMessage(answer("0f00 0100 636c7573746572646577 00 00"));
  assertEquals(decodeDevice(other.view, other.message), null);
  for (let bytes = 16; bytes < 32; bytes += 4) {
    const { view, message } = firstMessage(`${bytes.toString(16)}${answer().slice(2)}`);
    assertEquals(decodeDevice(view, message), null);
  }
});
