import fc from "fast-check";
import { assert, assertEquals } from "../assert.ts";
import { decodeHeartbeat, encodeHeartbeat } from "../../lib/wire/heartbeat.ts";
import { envelopeOverheadBytes } from "../../lib/wire/seal.ts";
import { datagramBytesMax, membersMax } from "../../lib/limits.ts";
import { heartbeat, incarnation } from "./examples.ts";

Deno.test("a heartbeat survives the wire", () => {
  assertEquals(decodeHeartbeat(encodeHeartbeat(heartbeat())), heartbeat());
});

const version1 = () => heartbeat({ version: 1, oldest: 1, unfit: false, topics: [] });

Deno.test("version 1 has no tail, and is read with its defaults", () => {
  const bytes = encodeHeartbeat(heartbeat());
  const first = encodeHeartbeat(version1());
  assertEquals([...first], [...bytes.subarray(0, first.length)], "version 2 only appends");
  assertEquals(decodeHeartbeat(first), version1());
  assertEquals(
    [...bytes.subarray(first.length, first.length + 9)],
    [2, 1, 0, 6, 0, 0, 0, 1, 0], // version, oldest, flags, topics
  );
  assertEquals(encodeHeartbeat(heartbeat({ unfit: true }))[first.length + 2], 1);
});

Deno.test("versions that cannot be are refused", () => {
  for (const [version, oldest] of [[2, 3], [2, 0]]) {
    const decoded = decodeHeartbeat(encodeHeartbeat(heartbeat({ version, oldest })));
    assertEquals(decoded, { refusal: "malformed heartbeat" }, `${oldest} to ${version}`);
  }
  const later = heartbeat({ version: 9, oldest: 2 });
  assertEquals(decodeHeartbeat(encodeHeartbeat(later)), later);
});

Deno.test("the fields stand where docs/protocol.md says", () => {
  const bytes = encodeHeartbeat(heartbeat());
  assertEquals([...bytes.subarray(0, 3)], [1, 2, 1]); // type, ready, lease held
  assertEquals(new TextDecoder().decode(bytes.subarray(4, 7)), "fw2");
  assertEquals([...bytes.subarray(7, 15)], [0, 0, 0, 0, 0, 0, 0, 7]);
  assertEquals([...bytes.subarray(15, 19)], [0, 1, 0x86, 0xa0]); // 100000 microseconds
  assertEquals([...bytes.subarray(19, 23)], [0, 0, 0x05, 0xdc]); // 1500 thousandths
});

Deno.test("the largest cluster's heartbeat fits one frame", () => {
  const peers = Array.from(
    { length: membersMax - 1 },
    (_, i) => ({ incarnation: incarnation(i + 1), sequence: 1, heardOn: 1 }),
  );
  const largest = heartbeat({
    name: "n".repeat(63),
    peers,
    addresses: Array.from({ length: 8 }, () => new Uint8Array(4)),
  });
  assert(encodeHeartbeat(largest).length + envelopeOverheadBytes <= datagramBytesMax);
});

Deno.test("every shortened heartbeat is refused, and none throws", () => {
  const bytes = encodeHeartbeat(heartbeat());
  const whole = encodeHeartbeat(version1()).length;
  for (let length = 0; length < bytes.length; length++) {
    if (length === whole) continue; // one of version 1
    assertEquals(decodeHeartbeat(bytes.subarray(0, length)), { refusal: "malformed heartbeat" });
  }
});

Deno.test("what is appended by a later version is ignored", () => {
  const bytes = encodeHeartbeat(heartbeat());
  const longer = new Uint8Array(bytes.length + 9).fill(0xee);
  longer.set(bytes);
  assertEquals(decodeHeartbeat(longer), heartbeat());
});

Deno.test("random bytes and random changes never throw", () => {
  const bytes = encodeHeartbeat(heartbeat());
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 8 }),
    (changes) => {
      const broken = new Uint8Array(bytes);
      for (const [at, value] of changes) broken[at] = value;
      decodeHeartbeat(broken);
    },
  ));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
    noise[0] = 1;
    decodeHeartbeat(noise);
  }));
});

Deno.test("names that could forge a log line or a field are refused", () => {
  for (const name of ["", "-fw", "fw\n", "fw 2", "a".repeat(64)]) {
    const decoded = decodeHeartbeat(encodeHeartbeat(heartbeat({ name })));
    assertEquals(decoded, { refusal: "malformed heartbeat" }, JSON.stringify(name));
  }
});
