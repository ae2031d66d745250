import { assert, assertEquals, assertNotEquals } from "../assert.ts";
import { clusterId, DatagramSeal, datagramTags } from "../../lib/wire/seal.ts";
import { fromHex } from "../../lib/wire/cursor.ts";
import type { KeyRing } from "../../lib/wire/keys.ts";
import { incarnation } from "./examples.ts";

const ring = (byte: number, id = 1): KeyRing => ({
  seed: new Uint8Array(32).fill(9),
  keys: [{ id, bytes: new Uint8Array(32).fill(byte) }],
});
const message = new TextEncoder().encode("what nodes tell each other");
const nonce = (byte = 5) => new Uint8Array(12).fill(byte);
const seal = (keys: KeyRing, cluster = "edge", start = 1) =>
  new DatagramSeal(keys, cluster, fromHex(incarnation(start)));

Deno.test("what one node seals another opens, and learns who sent it", () => {
  const opened = seal(ring(1), "edge", 2).open(seal(ring(1)).seal(message, nonce()));
  assert(opened.ok);
  assertEquals(opened.incarnation, incarnation(1));
  assertEquals(opened.message, message);
});

Deno.test("each refusal has its reason", () => {
  const datagram = seal(ring(1)).seal(message, nonce());
  const refusal = (by: DatagramSeal, bytes = datagram) => {
    const opened = by.open(bytes);
    return opened.ok ? "opened" : opened.refusal;
  };
  assertEquals(refusal(seal(ring(1))), "opened"); // the control: else all below would prove nothing
  assertEquals(refusal(seal(ring(2))), "not authentic");
  assertEquals(refusal(seal(ring(1, 2))), "unknown key");
  assertEquals(refusal(seal(ring(1), "other")), "foreign");
  assertEquals(refusal(seal(ring(1)), datagram.subarray(0, 59)), "short");
  assertEquals(refusal(seal(ring(1)), datagram.with(2, 9)), "version");
  assertEquals(refusal(seal(ring(1)), datagram.with(0, 0)), "foreign");
});

Deno.test("no bit of a datagram can be changed", () => {
  const datagram = seal(ring(1)).seal(message, nonce());
  const opener = seal(ring(1));
  assert(opener.open(datagram).ok, "it is known, and compared with what comes next");
  assert(opener.open(datagram).ok);
  for (let bit = 0; bit < datagram.length * 8; bit++) {
    const at = bit >> 3;
    assert(!opener.open(datagram.with(at, datagram[at] ^ (1 << (bit & 7)))).ok, `bit ${bit}`);
  }
});

Deno.test("during a rotation both keys open", () => {
  const [old, fresh] = [ring(1, 1).keys[0], ring(2, 2).keys[0]];
  const both = { seed: ring(1).seed, keys: [old, fresh] };
  assert(seal(both).open(seal({ ...both, keys: [fresh] }).seal(message, nonce())).ok);
  assertEquals(datagramTags(both, "edge").length, 2);
  assertNotEquals(datagramTags(both, "edge")[0], datagramTags(both, "edge")[1]);
});

Deno.test("with another ring, what its keys seal opens, and what others sealed does not", () => {
  const [old, fresh] = [ring(1, 1).keys[0], ring(2, 2).keys[0]];
  const node = seal({ ...ring(1), keys: [old, fresh] });
  const peer = seal({ ...ring(1), keys: [old, fresh] }, "edge", 2);
  const before = node.seal(message, nonce());
  assert(peer.open(before).ok);
  node.useRing({ ...ring(1), keys: [fresh, old] });
  const opened = peer.open(node.seal(message, nonce(6)));
  assert(opened.ok && opened.keyId === 2);
  peer.useRing({ ...ring(1), keys: [fresh] });
  assert(peer.open(node.seal(message, nonce(7))).ok);
  assertEquals(peer.open(before), { ok: false, refusal: "unknown key" }, "also one that was open");
});

Deno.test("starts of a node do not share keys, nor clusters their ids", () => {
  const body = (start: number) => seal(ring(1), "edge", start).seal(message, nonce()).subarray(44);
  assertNotEquals(body(1), body(2));
  assertNotEquals(clusterId("edge"), clusterId("edge2"));
});

Deno.test("inventing incarnations does not fill the memory", () => {
  const opener = new DatagramSeal(ring(1), "edge", fromHex(incarnation(1)), { sendersMax: 4 });
  for (let start = 2; start < 50; start++) {
    assert(opener.open(seal(ring(1), "edge", start).seal(message, nonce())).ok);
  }
  assert(opener.open(seal(ring(1), "edge", 2).seal(message, nonce())).ok);
});
