import { assert, assertEquals } from "../assert.ts";
import {
  datagramOf,
  type FilterInstruction,
  frameOf,
  heartbeatFilter,
  type Wanted,
} from "../../lib/wire/frame.ts";
import { clusterId, DatagramSeal, datagramTags } from "../../lib/wire/seal.ts";
import { fromHex } from "../../lib/wire/cursor.ts";
import { incarnation } from "./examples.ts";

const ring = (byte: number) => ({
  seed: new Uint8Array(32),
  keys: [{ id: 0, bytes: new Uint8Array(32).fill(byte) }],
});
const mac = new Uint8Array([2, 0, 0, 0, 7, 9]);
const sealed = (byte = 1, cluster = "edge") =>
  new DatagramSeal(ring(byte), cluster, fromHex(incarnation(1)))
    .seal(new Uint8Array(30), new Uint8Array(12));

/** The few instructions of classic BPF that the filter uses, as the kernel runs them. */
function run(program: readonly FilterInstruction[], frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let accumulator = 0, register = 0;
  for (let pc = 0;; pc++) {
    const [code, jt, jf, k] = program[pc];
    if (code === 0x06) return k;
    if (code === 0x07) register = accumulator;
    else if (code === 0x87) accumulator = register;
    else if (code === 0x80) accumulator = frame.length;
    else if (code === 0x35) pc += accumulator >= k ? jt : jf;
    else if (code === 0x15) pc += accumulator === k ? jt : jf;
    else if (code === 0x30 && k < frame.length) accumulator = view.getUint8(k);
    else if (code === 0x28 && k + 2 <= frame.length) accumulator = view.getUint16(k);
    else if (code === 0x20 && k + 4 <= frame.length) accumulator = view.getUint32(k);
    else return 0; // a load behind the end refuses the packet
  }
}

const filter = (wanted: Wanted) =>
  heartbeatFilter(clusterId("edge"), datagramTags(ring(1), "edge"), wanted);
const verdicts = (frame: Uint8Array) => ({
  members: run(filter("members"), frame) > 0,
  strangers: run(filter("strangers"), frame) > 0,
});

Deno.test("a frame gives its datagram back", () => {
  assertEquals([...datagramOf(frameOf(sealed(), mac))], [...sealed()]);
});

Deno.test("IPv4 header: checksum right, TTL 255, link-local source and group", () => {
  const frame = frameOf(sealed(), mac);
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += frame[at] << 8 | frame[at + 1];
  assertEquals((sum & 0xffff) + (sum >> 16), 0xffff);
  assertEquals(frame[22], 255);
  assertEquals([...frame.subarray(26, 34)], [169, 254, 8, 9, 224, 0, 0, 213]);
});

Deno.test("the filter tells members, strangers and others apart", () => {
  assertEquals(verdicts(frameOf(sealed(), mac)), { members: true, strangers: false });
  assertEquals(verdicts(frameOf(sealed(2), mac)), { members: false, strangers: true });
  assertEquals(verdicts(frameOf(sealed(1, "other"), mac)), { members: false, strangers: false });
});

Deno.test("neither takes what came over a router, another port, or half a frame", () => {
  const frame = frameOf(sealed(), mac);
  for (const broken of [frame.with(22, 254), frame.with(37, 1), frame.subarray(0, 57)]) {
    assertEquals(verdicts(broken), { members: false, strangers: false });
  }
});

Deno.test("with two keys either tag is a member's", () => {
  const both = [...datagramTags(ring(2), "edge"), ...datagramTags(ring(1), "edge")];
  const program = heartbeatFilter(clusterId("edge"), both, "members");
  assert(run(program, frameOf(sealed(1), mac)) > 0);
  assert(run(program, frameOf(sealed(2), mac)) > 0);
  assert(run(program, frameOf(sealed(3), mac)) === 0);
});

Deno.test("the due and the undue make up the members, whatever is expected", () => {
  const token = (datagram: Uint8Array) => new DataView(datagram.buffer).getUint32(32);
  const start = (n: number) => fromHex(incarnation(n));
  const say = (n: number, nonceByte: number) =>
    new DatagramSeal(ring(1), "edge", start(n))
      .seal(new Uint8Array(30), new Uint8Array(12).fill(nonceByte));
  const expected = [
    { incarnation: start(1), tokens: [token(say(1, 1)), token(say(1, 2))] },
    { incarnation: start(2), tokens: [] },
    { incarnation: start(3), tokens: Array.from({ length: 80 }, (_, i) => token(say(3, i))) },
  ];
  const tags = datagramTags(ring(1), "edge");
  const pass = (wanted: Wanted, frame: Uint8Array) =>
    run(heartbeatFilter(clusterId("edge"), tags, wanted, expected), frame) > 0;
  const cases: [frame: Uint8Array, due: boolean][] = [
    [frameOf(say(1, 2), mac), true],
    [frameOf(say(1, 3), mac), false],
    [frameOf(say(2, 1), mac), false],
    [frameOf(say(3, 79), mac), true],
    [frameOf(say(3, 80), mac), false],
    [frameOf(say(4, 1), mac), false],
  ];
  for (const [frame, due] of cases) {
    assertEquals([pass("due", frame), pass("undue", frame)], [due, !due]);
  }
  // What is cut is counted, so it must go somewhere; what is no member's goes nowhere.
  const cut = frameOf(say(1, 2).slice(0, 30), mac);
  assertEquals([pass("due", cut), pass("undue", cut)], [false, true]);
  const other = frameOf(sealed(2), mac);
  assertEquals([pass("due", other), pass("undue", other)], [false, false]);
});
