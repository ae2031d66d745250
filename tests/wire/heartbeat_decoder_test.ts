/** The decoder that remembers says the same as the one that does not, and knows what is news. */
import fc from "fast-check";
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from "../../lib/wire/heartbeat.ts";
import { HeartbeatDecoder } from "../../lib/wire/heartbeat_decoder.ts";
import { assert, assertEquals } from "../assert.ts";
import { heartbeat, incarnation } from "./examples.ts";

const peers = (...sequences: number[]) =>
  sequences.map((sequence, i) => ({ incarnation: incarnation(i + 1), sequence, heardOn: 3 }));

/** What a decoder says of `next` when it has read `first`. */
function after(first: Heartbeat, next: Heartbeat) {
  const decoder = new HeartbeatDecoder();
  decoder.decode(encodeHeartbeat(first));
  const decoded = decoder.decode(encodeHeartbeat(next));
  assert(!("refusal" in decoded), JSON.stringify(decoded));
  assertEquals(decoded.heartbeat, decodeHeartbeat(encodeHeartbeat(next)));
  return decoded;
}

Deno.test("numbers in sequence are no news, wherever they stand", () => {
  const first = heartbeat({ sequence: 7, peers: peers(1, 2, 3) });
  assert(!after(first, first).isNews);
  assert(!after(first, { ...first, sequence: 2 ** 52 }).isNews);
  assert(!after(first, { ...first, sequence: 8, peers: peers(2, 2, 900) }).isNews);
});

Deno.test("all else is", () => {
  const first = heartbeat({ sequence: 7, peers: peers(1, 2, 3) });
  const others: Partial<Heartbeat>[] = [
    { name: "fw3" },
    { state: "draining" },
    { leaseHeld: !first.leaseHeld },
    { forfeited: !first.forfeited },
    { planEpoch: first.planEpoch + 1 },
    { claimGroup: first.claimGroup + 1 },
    { peers: peers(1, 2) },
    { peers: peers(1, 2, 3, 4) },
    { peers: first.peers.map((peer) => ({ ...peer, heardOn: 1 })) },
    { peers: first.peers.map((peer, i) => ({ ...peer, incarnation: incarnation(9 - i) })) },
    { unfit: !first.unfit },
  ];
  for (const change of others) {
    assert(after(first, { ...first, ...change }).isNews, JSON.stringify(change));
  }
});

Deno.test("the first one of a start is news, and a refusal leaves what was known", () => {
  const decoder = new HeartbeatDecoder();
  const first = heartbeat({ sequence: 7 });
  const decoded = decoder.decode(encodeHeartbeat(first));
  assert("isNews" in decoded && decoded.isNews);
  const bytes = encodeHeartbeat({ ...first, sequence: 8 });
  assert(
    "refusal" in decoder.decode(bytes.subarray(0, bytes.length - 1 - first.topics.length * 4)),
  );
  const next = decoder.decode(bytes);
  assert("isNews" in next && !next.isNews);
});

Deno.test("a message that is changed by its sender afterwards is not what was remembered", () => {
  const decoder = new HeartbeatDecoder();
  const bytes = encodeHeartbeat(heartbeat({ state: "ready" }));
  decoder.decode(bytes);
  bytes[1] = 3; // draining
  const decoded = decoder.decode(bytes);
  assert("isNews" in decoded && decoded.isNews);
  assertEquals(decoded.heartbeat.state, "draining");
});

Deno.test("any two messages: both decoders agree, also where bytes are wrong", () => {
  const sound = encodeHeartbeat(heartbeat({ peers: peers(5, 6) }));
  const place = fc.nat(sound.length - 1);
  fc.assert(
    fc.property(fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 3 }), (changes) => {
      const decoder = new HeartbeatDecoder();
      decoder.decode(sound);
      const changed = sound.slice();
      for (const [at, byte] of changes) changed[at] = byte;
      const expected = decodeHeartbeat(changed);
      const decoded = decoder.decode(changed);
      assertEquals("heartbeat" in decoded ? decoded.heartbeat : decoded, expected);
    }),
    { numRuns: 500 },
  );
});
