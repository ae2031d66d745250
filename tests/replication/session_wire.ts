/** A session and, at its other end, somebody who says in its sealed stream what a test likes. */
import { assert } from "../assert.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { Replica } from "../../lib/replication/replica.ts";
import { Sender } from "../../lib/replication/sender.ts";
import { Session } from "../../lib/replication/session.ts";
import { Stream } from "../../lib/replication/stream.ts";
import type { Link, LinkHandler } from "../../lib/replication/transport.ts";
import { deriveTestKeys } from "./fixtures.ts";
import { MemoryConntrack } from "./memory_conntrack.ts";

const near = { name: "fw2", incarnation: "b2".repeat(16) };
const far = { name: "fw1", incarnation: "a1".repeat(16) };

export class SessionWire implements Link {
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
