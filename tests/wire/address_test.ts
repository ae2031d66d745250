import { assertEquals } from "../assert.ts";
import { formatAddress, inPrefix, parseAddress } from "../../lib/wire/address.ts";

/** Text, its bytes, and its canonical text where that is another. */
const cases: [text: string, hex: string, canonical?: string][] = [
  ["0.0.0.0", "00000000"],
  ["192.0.2.255", "c00002ff"],
  ["::", "00000000000000000000000000000000"],
  ["::1", "00000000000000000000000000000001"],
  ["1::", "00010000000000000000000000000000"],
  ["2001:db8::1", "20010db8000000000000000000000001"],
  ["2001:DB8:0:0:0:0:0:1", "20010db8000000000000000000000001", "2001:db8::1"],
  ["2001:0db8::0001", "20010db8000000000000000000000001", "2001:db8::1"],
  ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"],
  ["2001:db8::1:1:1:1:1", "20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "20010000000000010000000000000001", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
  ["::ffff:c000:201", "00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
  ["64:ff9b::192.0.2.1", "0064ff9b0000000000000000c0000201", "64:ff9b::c000:201"],
  ["1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304", "1:2:3:4:5:6:102:304"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["1:2:3:4:5:6:7::", "00010002000300040005000600070000", "1:2:3:4:5:6:7:0"],
  ["fe80::1", "fe800000000000000000000000000001"],
];

Deno.test("addresses are read, and written canonically", () => {
  for (const [text, hex, canonical] of cases) {
    const address = parseAddress(text);
    assertEquals(address?.bytes.toHex(), hex, text);
    assertEquals(address?.family, hex.length === 8 ? 4 : 6);
    assertEquals(formatAddress(address?.bytes ?? new Uint8Array(0)), canonical ?? text);
  }
});

Deno.test("what is no address is refused", () => {
  const refused = [
    ...["", " ", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "1.2.3.0x4"],
    ...["1..2.3", "-1.2.3.4", "1.2.3.4/24", ":", ":::", "1:2", "1:2:3:4:5:6:7", "1::2::3"],
    ...["1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", ":1::"],
    ...[
      "1::2:",
      "fe80::1%eth0",
      "[::1]",
      "::1.2.3",
      "1.2.3.4::",
      "::1.2.3.4:5",
      "1:2:3:4:5:6:7:1.2.3.4",
    ],
    ...["::1/128", "1.2.3.4:80", "::ffff:256.1.1.1"],
  ];
  for (const text of refused) assertEquals(parseAddress(text), null, text);
});

Deno.test("prefixes of every length", () => {
  const address = parseAddress("2001:db8:5555::1")?.bytes ?? new Uint8Array(0);
  const bytes = Uint8Array.of(9, 9, ...address);
  for (let length = 0; length <= 128; length++) {
    assertEquals(inPrefix(bytes, 2, address, length), true);
    // The first bit behind the prefix does not count; its last one does.
    const changed = address.slice();
    if (length < 128) changed[length >> 3] ^= 0x80 >> (length & 7);
    assertEquals(inPrefix(bytes, 2, changed, length), true);
    if (length > 0) assertEquals(inPrefix(bytes, 2, flip(address, length - 1), length), false);
  }
});

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  changed[bit >> 3] ^= 0x80 >> (bit & 7);
  return changed;
}
