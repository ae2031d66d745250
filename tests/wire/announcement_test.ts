/** Announcements and membership reports, byte for byte and by their checksums. */
import {
  announcementFrame,
  groupsMax,
  igmpReport,
  mldReport,
  solicitedNodeGroup,
} from "../../lib/wire/announcement.ts";
import { answeredAddress, answeringMac } from "../../lib/wire/probe.ts";
import { parseAddress } from "../../lib/wire/address.ts";
import { assert, assertEquals } from "../assert.ts";

const from = Uint8Array.fromHex("020000000009");
const mac = Uint8Array.fromHex("01005e010203");
const address = (text: string) => parseAddress(text)!.bytes;
const hex = (...parts: string[]) => parts.join("").replaceAll(" ", "");

/** 0xffff where a checksum over these bytes is right: RFC 1071, another way than the program's. */
function foldedSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) {
    sum += bytes[i] * (i % 2 === 0 ? 256 : 1);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** The pseudo header of ICMPv6 (RFC 8200, 8.1), then the message. */
function icmp6Sum(frame: Uint8Array, at: number): number {
  const length = (frame[18] << 8 | frame[19]) - (at - 54);
  return foldedSum(
    Uint8Array.of(
      ...frame.subarray(22, 54),
      ...[0, 0, length >> 8, length & 0xff, 0, 0, 0, 58],
      ...frame.subarray(at, at + length),
    ),
  );
}

Deno.test("an IPv4 address is announced by an ARP request for itself, from the interface's own MAC", () => {
  const frame = announcementFrame(address("192.0.2.1"), { from, mac, isRouter: true });
  assertEquals(
    frame.toHex(),
    hex(
      "ffffffffffff 020000000009 0806",
      "0001 0800 06 04 0001",
      "01005e010203 c0000201",
      "000000000000 c0000201",
      "00".repeat(18),
    ),
  );
  assertEquals(answeredAddress(frame), null);
});

Deno.test("an IPv6 address is announced to all nodes, as a router's or not, as it is", () => {
  for (const isRouter of [true, false]) {
    const frame = announcementFrame(address("2001:db8::1"), { from, mac, isRouter });
    assertEquals(
      frame.subarray(0, 54).toHex(),
      hex(
        "333300000001 020000000009 86dd",
        "60000000 0020 3a ff",
        "20010db8000000000000000000000001",
        "ff020000000000000000000000000001",
      ),
    );
    assertEquals(frame[58], isRouter ? 0xa0 : 0x20);
    assertEquals(answeredAddress(frame), address("2001:db8::1"));
    assertEquals(answeringMac(frame), mac);
    assertEquals(icmp6Sum(frame, 54), 0xffff);
    assertEquals(frame.length, 86);
  }
});

Deno.test("a report of IGMPv3 goes to all routers, one of version 2 or 1 to the group", () => {
  const group = address("239.1.2.3");
  const source = address("192.0.2.11");
  const newest = igmpReport(group, { from, source, version: 3 });
  assertEquals(
    newest.subarray(0, 24).toHex(),
    "01005e000016020000000009080046c0002800004000" + "0102",
  );
  assertEquals(newest.subarray(26, 38).toHex(), "c000020be000001694040000");
  assertEquals(newest.subarray(42, 54).toHex(), "0000000104000000ef010203");
  assertEquals(newest[38], 0x22);
  const [second, first] = ([2, 1] as const).map((version) =>
    igmpReport(group, { from, source, version })
  );
  for (const frame of [second, first]) {
    assertEquals(frame.subarray(0, 6), mac);
    assertEquals(frame.subarray(30, 34), group);
    assertEquals(frame.subarray(42, 46), group);
  }
  assertEquals([second[38], first[38]], [0x16, 0x12]);
  for (const frame of [newest, second, first]) {
    const end = 14 + (frame[16] << 8 | frame[17]);
    assertEquals(foldedSum(frame.subarray(14, 38)), 0xffff);
    assertEquals(foldedSum(frame.subarray(38, end)), 0xffff);
  }
});

Deno.test("a report of MLDv2 has every group's record, and fits into a frame", () => {
  const groups = Array.from(
    { length: groupsMax },
    (_, i) => solicitedNodeGroup(address(`2001:db8::1:${i.toString(16)}`)),
  );
  const frame = mldReport(groups, { from, source: address("fe80::9") });
  assert(frame.length <= 14 + 1280, `${frame.length} bytes`);
  assertEquals(frame.subarray(0, 6).toHex(), "333300000016");
  assertEquals(frame.subarray(20, 22).toHex(), "0001"); // hop-by-hop, one hop
  assertEquals(frame.subarray(54, 62).toHex(), "3a00050200000100");
  assertEquals([frame[62], frame[68] << 8 | frame[69]], [143, groupsMax]);
  assertEquals(
    frame.subarray(90, 110).toHex(),
    hex("04000000 ff0200000000000000000001ff010001"),
  );
  assertEquals(icmp6Sum(frame, 62), 0xffff);
});
