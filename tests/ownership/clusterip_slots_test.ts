import { assert, assertEquals } from "../assert.ts";
import {
  ClusteripBuckets,
  jhashOneWord,
  slotOfSource,
} from "../../lib/ownership/clusterip_slots.ts";
import { firstBucketOf } from "../../lib/ownership/units.ts";

/**
 * [word, initval, jhash_1word(), slots of 1, 2, 3, 5 and 16], from the kernel's own jhash.h (6.1),
 * compiled in user space.
 */
const vectors: readonly (readonly [number, number, number, readonly number[]])[] = [
  [0x00000000, 0x00000000, 0x049396b8, [1, 1, 1, 1, 1]],
  [0x00000000, 0x00000007, 0x6e0964a9, [1, 1, 2, 3, 7]],
  [0x00000000, 0xdeadbeef, 0xfa0f3b86, [1, 2, 3, 5, 16]],
  [0x00000000, 0xffffffff, 0x6bd0060f, [1, 1, 2, 3, 7]],
  [0x00000001, 0x00000000, 0x72a82a9b, [1, 1, 2, 3, 8]],
  [0x00000001, 0x00000007, 0xb302f24e, [1, 2, 3, 4, 12]],
  [0x00000001, 0xdeadbeef, 0xc393af12, [1, 2, 3, 4, 13]],
  [0x00000001, 0xffffffff, 0x8f68e60d, [1, 2, 2, 3, 9]],
  [0xc0000201, 0x00000000, 0x751c0de7, [1, 1, 2, 3, 8]],
  [0xc0000201, 0x00000007, 0xa907e181, [1, 2, 2, 4, 11]],
  [0xc0000201, 0xdeadbeef, 0x74aaf250, [1, 1, 2, 3, 8]],
  [0xc0000201, 0xffffffff, 0x8c0a9a86, [1, 2, 2, 3, 9]],
  [0xc000020a, 0x00000000, 0x63836eeb, [1, 1, 2, 2, 7]],
  [0xc000020a, 0x00000007, 0x953eb82d, [1, 2, 2, 3, 10]],
  [0xc000020a, 0xdeadbeef, 0xb972b2c0, [1, 2, 3, 4, 12]],
  [0xc000020a, 0xffffffff, 0xae5c78ad, [1, 2, 3, 4, 11]],
  [0x0a000001, 0x00000000, 0x3483bc84, [1, 1, 1, 2, 4]],
  [0x0a000001, 0x00000007, 0xf61f20a9, [1, 2, 3, 5, 16]],
  [0x0a000001, 0xdeadbeef, 0x0c0dc576, [1, 1, 1, 1, 1]],
  [0x0a000001, 0xffffffff, 0x148a54a7, [1, 1, 1, 1, 2]],
  [0xffffffff, 0x00000000, 0x9b11c75b, [1, 2, 2, 4, 10]],
  [0xffffffff, 0x00000007, 0x6918a5ab, [1, 1, 2, 3, 7]],
  [0xffffffff, 0xdeadbeef, 0xc5f9410e, [1, 2, 3, 4, 13]],
  [0xffffffff, 0xffffffff, 0xeae46760, [1, 2, 3, 5, 15]],
  [0xcb007105, 0x00000000, 0x03e4c6d3, [1, 1, 1, 1, 1]],
  [0xcb007105, 0x00000007, 0xe9c13eee, [1, 2, 3, 5, 15]],
  [0xcb007105, 0xdeadbeef, 0x9c655f31, [1, 2, 2, 4, 10]],
  [0xcb007105, 0xffffffff, 0x23df9097, [1, 1, 1, 1, 3]],
  [0x7f000001, 0x00000000, 0xa6caec6b, [1, 2, 2, 4, 11]],
  [0x7f000001, 0x00000007, 0xb73a3ee7, [1, 2, 3, 4, 12]],
  [0x7f000001, 0xdeadbeef, 0xe4498916, [1, 2, 3, 5, 15]],
  [0x7f000001, 0xffffffff, 0xc0631c03, [1, 2, 3, 4, 13]],
  [0xc6336407, 0x00000000, 0x4ea226f1, [1, 1, 1, 2, 5]],
  [0xc6336407, 0x00000007, 0x9edf71c0, [1, 2, 2, 4, 10]],
  [0xc6336407, 0xdeadbeef, 0xd6cb5840, [1, 2, 3, 5, 14]],
  [0xc6336407, 0xffffffff, 0x8480f307, [1, 2, 2, 3, 9]],
];
const totals = [1, 2, 3, 5, 16];

Deno.test("jhash_1word and the slot are the kernel's", () => {
  for (const [word, initval, hash, slots] of vectors) {
    assertEquals(jhashOneWord(word, initval), hash, `${word} ${initval}`);
    assertEquals(totals.map((total) => slotOfSource(word, initval, total)), slots);
  }
});

Deno.test("the modulo of older kernels would not pass", () => {
  const differ = vectors.filter(([, , hash, slots]) => hash % 16 + 1 !== slots[4]);
  assert(differ.length > vectors.length / 2);
});

const buckets = new ClusteripBuckets({
  totalNodes: 4,
  services: [{ address: "192.0.2.1", hashInit: 7 }, { address: "192.0.2.2", hashInit: 0 }],
});

/** The first bucket of the slot that the client is in. */
function expected(client: number, hashInit: number): number {
  return firstBucketOf(slotOfSource(client, hashInit, 4) - 1, 4);
}

Deno.test("a flow is in the bucket of its client's slot, by the rule of its address", () => {
  for (let i = 0; i < 50; i++) {
    const client = 0x0a000000 + 7919 * i;
    const text = [24, 16, 8, 0].map((shift) => client >>> shift & 0xff).join(".");
    const ask = (source: string, destination: string) => buckets.bucketOf({ source, destination });
    assertEquals(ask(text, "192.0.2.1"), expected(client, 7));
    assertEquals(ask(text, "192.0.2.2"), expected(client, 0));
    assertEquals(ask("192.0.2.2", text), expected(client, 0), "begun by the service");
    assertEquals(ask(text, "198.51.100.9"), expected(client, 7), "none of the cluster's");
  }
});

Deno.test("all slots are met, each by one bucket", () => {
  const met = new Set(
    Array.from(
      { length: 200 },
      (_, i) => buckets.bucketOf({ source: `10.0.0.${i + 1}`, destination: "192.0.2.1" }),
    ),
  );
  assertEquals([...met].toSorted((a, b) => a! - b!), [0, 64, 128, 192]);
});

Deno.test("who is asked about IPv6 is told that this is no question", () => {
  assertEquals(buckets.bucketOf({ source: "2001:db8::1", destination: "2001:db8::2" }), null);
  assertEquals(buckets.bucketOf({ source: "10.0.0.1", destination: "2001:db8::2" }), null);
  const tuple = new Uint8Array(32);
  assert(buckets.bucketOfTuple(tuple, 0, 16, 16) < 256);
});
