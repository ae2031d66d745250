/**
 * The port to the network under the streams: reliable, ordered byte pipes. `lib/host/links.ts`
 * has it over TCP, `tests/replication/memory_transport.ts` in memory.
 */

/** One pipe to another node. */
export interface Link {
  /** The other end, for the log. */
  readonly remote: string;
  /** Queues bytes; they must not be changed any more. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Bytes that `send` took and the other side's machine did not yet. */
  readonly queuedBytes: number;
  /** Says where what happens on this pipe is told; nothing is told before. */
  attach(handler: LinkHandler): void;
  /** Ends the pipe; `closed` is told once, also then. */
  close(): void;
}

export interface LinkHandler {
  /** Bytes came; no more are told until the result is there. */
  received(bytes: Uint8Array): Promise<void> | void;
  /** Bytes left the queue. */
  writable(): void;
  /** The pipe has ended; nothing else is told behind it. */
  closed(reason: string): void;
}

export interface Transport {
  /** Opens a pipe to a node's replication address; rejects with the reason. */
  connect(address: string): Promise<Link>;
}
