import { assert, assertEquals } from "../assert.ts";
import { Stream, type StreamFault, type StreamSettings } from "../../lib/replication/stream.ts";
import { deriveTestKeys } from "./fixtures.ts";

const a = { name: "fw1", incarnation: "a1".repeat(16) };
const b = { name: "fw2", incarnation: "b2".repeat(16) };

function settings(self: typeof a, word = "test", clusterName = "edge"): StreamSettings {
  return { self, clusterName, keys: deriveTestKeys(word) };
}

/** Fixed "randomness", so that a test can say when it is fresh. */
function random(seed: number): Uint8Array {
  return new Uint8Array(32).fill(seed);
}

function connect(options: Partial<StreamSettings> = {}, seed = 1, to = b): Stream {
  return Stream.connect({ ...settings(a), ...options }, random(seed), to);
}

function accept(options: Partial<StreamSettings> = {}, seed = 2, life = a.incarnation): Stream {
  const incarnationOf = (name: string) => name === a.name ? life : null;
  return Stream.accept({ ...settings(b), ...options }, random(seed), incarnationOf);
}

/** All that a stream has to send now. */
function output(stream: Stream): Uint8Array {
  const bytes: number[] = [];
  for (let part; (part = stream.takeOutput()) !== null;) bytes.push(...part);
  return new Uint8Array(bytes);
}

/** Gives bytes to a stream; what it could open. */
function give(stream: Stream, bytes: Uint8Array): Uint8Array[] {
  const plaintexts: Uint8Array[] = [];
  stream.push(bytes);
  for (let plaintext; (plaintext = stream.next()) !== null;) plaintexts.push(plaintext);
  return plaintexts;
}

function shake(connecting: Stream, listening: Stream): void {
  give(listening, output(connecting));
  give(connecting, output(listening));
  give(listening, output(connecting));
}

function opened(): { connecting: Stream; listening: Stream } {
  const connecting = connect();
  const listening = accept();
  shake(connecting, listening);
  assert(connecting.isOpen && listening.isOpen, "both are open");
  return { connecting, listening };
}

const text = (s: string) => new TextEncoder().encode(s);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("two nodes of one cluster open a stream and speak both ways", () => {
  const { connecting, listening } = opened();
  assertEquals(connecting.peer?.name, "fw2");
  assertEquals(listening.peer?.name, "fw1");
  assertEquals([connecting.version, listening.version], [1, 1]);
  assertEquals(give(listening, connecting.seal(text("one"))).map(textOf), ["one"]);
  assertEquals(give(connecting, listening.seal(text("two"))).map(textOf), ["two"]);
});

Deno.test("bytes may come one by one", () => {
  const { connecting, listening } = opened();
  const heard: string[] = [];
  for (const byte of connecting.seal(text("drop by drop"))) {
    heard.push(...give(listening, new Uint8Array([byte])).map(textOf));
  }
  assertEquals(heard, ["drop by drop"]);
});

Deno.test("what is sealed does not show", () => {
  const { connecting } = opened();
  const frame = connecting.seal(text("192.0.2.1 was here"));
  assert(!textOf(frame).includes("192.0.2.1"), "the plaintext is not in the frame");
});

Deno.test("nodes rotate keys one after the other", () => {
  const ring = deriveTestKeys();
  const reversed = { ...ring, keys: [...ring.keys].reverse() };
  const connecting = connect({ keys: reversed });
  const listening = accept();
  shake(connecting, listening);
  assert(connecting.isOpen && listening.isOpen, "the listening side opens with its second key");
});

interface Refusal {
  readonly name: string;
  readonly connecting: () => Stream;
  readonly listening: () => Stream;
  readonly fault: StreamFault;
}

const refusals: readonly Refusal[] = [
  {
    name: "another key",
    connecting: () => connect({ keys: deriveTestKeys("other") }),
    listening: accept,
    fault: "mac",
  },
  {
    name: "a key id that is not known",
    connecting: () =>
      connect({
        keys: { ...deriveTestKeys(), keys: [{ id: 99, bytes: new Uint8Array(32) }] },
      }),
    listening: accept,
    fault: "keyId",
  },
  {
    name: "another cluster with the same key",
    connecting: () => connect({ clusterName: "other" }),
    listening: accept,
    fault: "cluster",
  },
  {
    name: "another life of the connecting node",
    connecting: connect,
    listening: () => accept({}, 2, "ff".repeat(16)),
    fault: "incarnation",
  },
  {
    name: "another life of the listening node",
    connecting: () => connect({}, 1, { ...b, incarnation: "ee".repeat(16) }),
    listening: accept,
    fault: "incarnation",
  },
  {
    name: "a node that is not expected",
    connecting: () => connect({ self: { name: "fw9", incarnation: a.incarnation } }),
    listening: accept,
    fault: "name",
  },
  {
    name: "a greeting to somebody else",
    connecting: () => connect({}, 1, { ...b, name: "fw3" }),
    listening: accept,
    fault: "name",
  },
];

for (const { name, connecting, listening, fault } of refusals) {
  Deno.test(`refused with its reason: ${name}`, () => {
    const listener = listening();
    give(listener, output(connecting()));
    assertEquals(listener.fault, fault);
    assertEquals(output(listener).length, 0, "nothing is answered");
  });
}

Deno.test("refused: a whole recorded conversation, played again to a listener", () => {
  const connecting = connect();
  const listening = accept();
  const hello = output(connecting);
  give(listening, hello);
  give(connecting, output(listening));
  const finish = output(connecting);
  const frame = connecting.seal(text("once"));

  const again = accept({}, 3);
  give(again, hello);
  assertEquals(again.fault, null, "a greeting alone proves nothing, and harms nothing");
  assertEquals(give(again, new Uint8Array([...finish, ...frame])), []);
  assertEquals(again.fault, "finish");

  // With the randomness of the recording it would have worked: freshness is what refuses it.
  const stale = accept({}, 2);
  give(stale, hello);
  give(stale, finish);
  assert(stale.isOpen, "the same randomness opens");
});

Deno.test("refused: a recorded WELCOME, played to another greeting", () => {
  const connecting = connect();
  const listening = accept();
  give(listening, output(connecting));
  const welcome = output(listening);
  const again = connect({}, 4);
  output(again);
  give(again, welcome);
  assertEquals(again.fault, "mac");
});

Deno.test("refused: any flipped bit of any greeting", () => {
  const hello = output(connect());
  for (let i = 0; i < 8 * hello.length; i += 7) {
    const broken = hello.slice();
    broken[i >> 3] ^= 1 << (i & 7);
    const listening = accept();
    give(listening, broken);
    assertEquals(output(listening).length, 0, `bit ${i} of HELLO is answered`);
    assert(!listening.isOpen, `bit ${i} opens`);
  }
});

for (let bit = 0; bit < 8 * 24; bit += 5) {
  Deno.test(`refused: bit ${bit} of a frame flipped`, () => {
    const { connecting, listening } = opened();
    const frame = connecting.seal(text("abcdef"));
    frame[bit >> 3] ^= 1 << (bit & 7);
    // A longer length waits for the next frame's bytes; then it fails as well.
    const more = connecting.seal(new Uint8Array(20_000));
    const even = connecting.seal(new Uint8Array(32_000));
    assertEquals(give(listening, frame), []);
    give(listening, more);
    give(listening, even);
    assert(["seal", "length"].includes(listening.fault ?? ""), `fault ${listening.fault}`);
  });
}

Deno.test("refused: frames that change places, come twice, or are missing", () => {
  for (const order of [[1, 0], [0, 0], [1]]) {
    const { connecting, listening } = opened();
    const frames = [connecting.seal(text("first")), connecting.seal(text("second"))];
    for (const i of order) give(listening, frames[i]);
    assertEquals(listening.fault, "seal", `order ${order}`);
  }
  const { connecting, listening } = opened();
  const frames = [connecting.seal(text("first")), connecting.seal(text("second"))];
  assertEquals([...give(listening, frames[0]), ...give(listening, frames[1])].length, 2);
});

Deno.test("refused: a frame of the other direction", () => {
  const { connecting } = opened();
  give(connecting, connecting.seal(text("echo")));
  assertEquals(connecting.fault, "seal");
});

Deno.test("refused at once: bytes of another protocol", () => {
  const listening = accept();
  give(listening, text("GET / HTTP/1.1\r\nHost: fw2\r\n\r\n"));
  assertEquals(listening.fault, "length");
  const other = accept();
  give(other, new Uint8Array([0, 150, ...new Uint8Array(150)]));
  assertEquals(other.fault, "magic");
});
