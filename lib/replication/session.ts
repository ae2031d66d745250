/**
 * One stream with one peer, from the first byte to the last: a link, the sealed stream on it, and the
 * two halves of what goes through.
 */
import type { BucketSet } from "../ownership/bucket_set.ts";
import {
  Body,
  encodeMessage,
  firstLinkType,
  messageHeadBytes,
  messageType,
  u32,
  u64,
} from "./messages.ts";
import type { Replica } from "./replica.ts";
import type { Sender } from "./sender.ts";
import type { NodeIdentity, Stream } from "./stream.ts";
import type { Link, LinkHandler } from "./transport.ts";

/** What may be on its way in the link: enough for the network, little enough to overtake. */
const inFlightBytesMax = 256 * 1024;

/** A session says that it is alive this often within the time that it may be silent. */
const pingsPerSilence = 3;

export interface SessionHalves {
  readonly sender: Sender;
  readonly replica: Replica;
}

export interface SessionEvents {
  /** The handshake is done: `peer` is authenticated. null where it is no longer wanted. */
  opened(session: Session, peer: NodeIdentity): SessionHalves | null;
  /** The peer has acknowledged a release. */
  released(session: Session, buckets: BucketSet, epoch: number): void;
  /** Something came that may give work to do. */
  worked(): void;
  /** The session has ended, for whatever reason. */
  closed(session: Session, reason: string): void;
}

export class Session implements LinkHandler {
  readonly #link: Link;
  readonly #stream: Stream;
  readonly #events: SessionEvents;
  readonly #clock: () => number;
  readonly #silenceMsMax: number;
  readonly #body = new Body();
  #halves: SessionHalves | null = null;
  #plaintext: Uint8Array | null = null;
  #at = 0;
  #resume: (() => void) | null = null;
  #isClosed = false;
  #heardAt: number;
  #sentAt: number;
  #steppedAt: number;
  #acknowledged = 0;
  #acknowledgedRefused = 0;

  constructor(
    link: Link,
    stream: Stream,
    events: SessionEvents,
    clock: () => number,
    silenceMsMax: number,
  ) {
    this.#link = link;
    this.#stream = stream;
    this.#events = events;
    this.#clock = clock;
    this.#silenceMsMax = silenceMsMax;
    this.#heardAt = this.#sentAt = this.#steppedAt = clock();
  }

  /** Starts the handshake and everything behind it. */
  start(): void {
    this.#link.attach(this);
    this.#sendGreetings();
  }

  get remote(): string {
    return this.#link.remote;
  }

  get stream(): Stream {
    return this.#stream;
  }

  /** The sending half; null before the handshake is done. */
  get sender(): Sender | null {
    return this.#halves?.sender ?? null;
  }

  get replica(): Replica | null {
    return this.#halves?.replica ?? null;
  }

  get isOpen(): boolean {
    return this.#halves !== null && !this.#isClosed;
  }

  // ---- from the link

  received(bytes: Uint8Array): Promise<void> | void {
    this.#heardAt = this.#clock();
    this.#stream.push(bytes);
    this.#work();
    if (this.#halves?.replica.isBlocked && !this.#isClosed) {
      return new Promise((resolve) => this.#resume = resolve);
    }
  }

  writable(): void {
    this.flush();
  }

  closed(reason: string): void {
    this.#end(reason);
  }

  /** A sweep has ended: goes on with what had to wait for it, if it was ours. */
  unblock(): void {
    if (this.#resume === null || this.#halves?.replica.isBlocked) return;
    this.#work();
    if (this.#isClosed || this.#halves?.replica.isBlocked) return;
    this.#heardAt = this.#clock();
    this.#resume();
    this.#resume = null;
  }

  #work(): void {
    while (!this.#isClosed && !this.#halves?.replica.isBlocked) {
      if (this.#plaintext === null) {
        this.#plaintext = this.#stream.next();
        this.#at = 0;
        this.#sendGreetings();
        if (this.#stream.fault !== null) {
          this.#end(`refused: ${this.#stream.fault}`);
          return;
        }
        if (this.#stream.isOpen && this.#halves === null) {
          this.#halves = this.#events.opened(this, this.#stream.peer!);
          if (this.#halves === null) {
            this.#end("refused: peer gone");
            return;
          }
        }
        if (this.#plaintext === null) break;
      }
      this.#takeMessages(this.#plaintext);
    }
    this.#acknowledge();
    this.#events.worked();
  }

  /** Takes the messages of one frame, up to its end or to one that blocks. */
  #takeMessages(plaintext: Uint8Array): void {
    const { replica } = this.#halves!;
    const body = this.#body;
    body.bytes = plaintext;
    body.view = new DataView(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength);
    while (this.#at < plaintext.length && !replica.isBlocked && !this.#isClosed) {
      const start = this.#at + messageHeadBytes;
      const end = start + (plaintext[this.#at] << 8 | plaintext[this.#at + 1]);
      if (!(end <= plaintext.length)) {
        this.#end("refused: message length");
        return;
      }
      const type = plaintext[this.#at + 2];
      body.start = start;
      body.end = end;
      this.#at = end;
      if (type < firstLinkType) replica.take(type, body);
      else this.#takeLinkMessage(type, body);
    }
    if (this.#at >= plaintext.length) this.#plaintext = null;
  }

  #takeLinkMessage(type: number, body: Body): void {
    if (type === messageType.ack && body.has(12)) {
      if (!this.#halves!.sender.acknowledge(body.u64(0), body.u32(8), this.#clock())) {
        this.#end("refused: acknowledgement");
      }
    } else if (type === messageType.released && body.has(40)) {
      this.#events.released(this, body.buckets(8), body.u64(0));
    }
  }

  // ---- to the link

  #sendGreetings(): void {
    for (let message; (message = this.#stream.takeOutput()) !== null;) this.#link.send(message);
  }

  /** Brings into the kernel what came, then says so. */
  #acknowledge(): void {
    if (this.#isClosed || this.#halves === null) return;
    const { replica } = this.#halves;
    replica.flush();
    // What blocks is in the kernel only when its sweep has ended.
    const position = replica.isBlocked ? replica.position - 1 : replica.position;
    if (position === this.#acknowledged && replica.refused === this.#acknowledgedRefused) return;
    this.#acknowledged = position;
    this.#acknowledgedRefused = replica.refused;
    this.#sendLinkMessage(messageType.ack, u64(position), u32(replica.refused));
  }

  /** The answer to RELEASE. */
  answerRelease(buckets: BucketSet, epoch: number): void {
    this.#sendLinkMessage(messageType.released, u64(epoch), buckets.toBytes());
  }

  #sendLinkMessage(type: number, ...parts: Uint8Array[]): void {
    if (this.#isClosed) return;
    this.#link.send(this.#stream.seal(encodeMessage(type, ...parts)));
    this.#sentAt = this.#clock();
  }

  /** Sends what waits, as far as the link takes it. */
  flush(): void {
    if (!this.isOpen) return;
    const { outbox } = this.#halves!.sender;
    while (this.#link.queuedBytes < inFlightBytesMax) {
      if (!outbox.handOver((plaintext) => this.#link.send(this.#stream.seal(plaintext)))) return;
      this.#sentAt = this.#clock();
    }
  }

  /** What time alone asks for: a sign of life, or the end of a stream that has gone silent. */
  step(now: number): void {
    if (this.#isClosed) return;
    // After a stop of this process what the peer has sent may still wait to be read.
    if (now - this.#steppedAt > this.#silenceMsMax / 2) {
      this.#heardAt = Math.max(this.#heardAt, now - this.#silenceMsMax / 2);
    }
    this.#steppedAt = now;
    const isWaiting = this.#halves?.replica.isBlocked ?? false;
    if (!isWaiting && now - this.#heardAt > this.#silenceMsMax) {
      this.#end(this.isOpen ? "silent" : "no greeting");
    } else if (this.isOpen && now - this.#sentAt >= this.#silenceMsMax / pingsPerSilence) {
      this.#sendLinkMessage(messageType.ping);
    }
  }

  close(reason: string): void {
    this.#end(reason);
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#link.close();
    this.#resume?.();
    this.#resume = null;
    this.#events.closed(this, reason);
  }
}
