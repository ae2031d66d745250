import { assert, assertEquals } from "../assert.ts";
import { encodeMessage, messageType, u32, u64 } from "../../lib/replication/messages.ts";
import { Replica } from "../../lib/replication/replica.ts";
import { Sender } from "../../lib/replication/sender.ts";
import { Session } from "../../lib/replication/session.ts";
import { Stream } from "../../lib/replication/stream.ts";
import type { Link, LinkHandler } from "../../lib/replication/transport.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { deriveTestKeys } from "./fixtures.ts";
import { MemoryConntrack } from "./memory_conntrack.ts";

const near = { name: "fw2", incarnation: "b2".repeat(16) };
const far = { name: "fw1", incarnation: "a1".repeat(16) };

/** A session and, at its other end, a stream with which a test says what it likes. */
class Wire implements Link {
  readonly remote = "test";
  readonly queuedBytes = 0;
  readonly table = new MemoryConntrack();
  readonly stream: Stream;
  readonly session: Session;
  readonly heard: Uint8Array[] = [];
  ended: string | null = null;
  released = 0;
  replica: Replica | null = null;
  #handler: LinkHandler | null = null;

  constructor() {
    const settings = { clusterName: "edge", keys: deriveTestKeys() };
    const random = new Uint8Array(32);
    this.stream = Stream.connect({ ...settings, self: far }, random, near);
    const accepting = Stream.accept({ ...settings, self: near }, random, () => far.incarnation);
    this.session = new Session(
      this,
      accepting,
      {
        opened: () => {
          this.replica = new Replica({
            conntrack: this.table,
            enabled: true,
            claims: () => BucketSet.empty(),
            sweep: (sweep) => sweep.done(),
            bulkReceived: () => {},
            released: () => this.released++,
          });
          const sender = new Sender({ enabled: true, lagMsMax: 250, queueBytesMax: 100_000 });
          return { sender, replica: this.replica };
        },
        released: () => {},
        worked: () => {},
        closed: (_, reason) => this.ended = reason,
      },
      () => 0,
      1000,
    );
    this.session.start();
    for (let i = 0; i < 2; i++) {
      for (let part; (part = this.stream.takeOutput()) !== null;) this.#handler!.received(part);
    }
    assert(this.session.isOpen, "the session is open");
  }

  attach(handler: LinkHandler): void {
    this.#handler = handler;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.stream.push(bytes);
    for (let plaintext; (plaintext = this.stream.next()) !== null;) this.heard.push(plaintext);
  }

  close(): void {}

  say(plaintext: Uint8Array): void {
    this.#handler!.received(this.stream.seal(plaintext));
  }
}

Deno.test("what came is acknowledged, unknown types too", () => {
  const wire = new Wire();
  wire.say(encodeMessage(0x3f, new Uint8Array(5)));
  assertEquals(wire.heard.at(-1), encodeMessage(messageType.ack, u64(1), u32(0)));
  const count = wire.heard.length;
  wire.say(encodeMessage(0x7f));
  wire.say(encodeMessage(messageType.ping));
  assertEquals(wire.heard.length, count, "link messages are not acknowledged");
  assertEquals(wire.ended, null);
});

Deno.test("a message that is longer than its frame ends the stream", () => {
  for (const plaintext of [[0, 9, 7], [255, 255, 2, 1], [0], [0, 0]]) {
    const wire = new Wire();
    wire.say(new Uint8Array(plaintext));
    assertEquals(wire.ended, "refused: message length", `${plaintext}`);
  }
});

Deno.test("an acknowledgement of what was never sent ends the stream", () => {
  const wire = new Wire();
  wire.say(encodeMessage(messageType.ack, u64(1), u32(0)));
  assertEquals(wire.ended, "refused: acknowledgement");
});

Deno.test("bodies that are too short are counted and change nothing", () => {
  const wire = new Wire();
  for (const type of [1, 2, 3, 4, 5, 6, 8]) wire.say(encodeMessage(type, new Uint8Array(7)));
  assertEquals(wire.replica!.malformed, 7);
  assertEquals(wire.replica!.position, 7);
  assertEquals([wire.table.entries.size, wire.released, wire.ended], [0, 0, null]);
});

Deno.test("no plaintext of any shape gets past the decoder", () => {
  let state = 12345;
  const random = () => (state = Math.imul(state, 1103515245) + 12345 >>> 0) >>> 16;
  const wire = new Wire();
  for (let round = 0; round < 3000; round++) {
    const body = Uint8Array.from({ length: random() % 130 }, () => random());
    wire.say(encodeMessage(random() % 12, body));
  }
  assertEquals(wire.replica!.position, 3000);
  assertEquals(wire.ended, null);
});
