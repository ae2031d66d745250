/** Byte pipes in memory that move when a test says so, and can be cut or made slow. */
import type { Link, LinkHandler, Transport } from "../../lib/replication/transport.ts";

class MemoryLink implements Link {
  peer: MemoryLink | null = null;
  handler: LinkHandler | null = null;
  queue: Uint8Array[] = [];
  isClosed = false;
  isBusy = false;
  #queuedBytes = 0;

  constructor(readonly remote: string, readonly network: MemoryNetwork) {}

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  attach(handler: LinkHandler): void {
    this.handler = handler;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.isClosed) return;
    this.queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.handler?.closed("closed");
    if (!this.network.isCut) this.peer?.close();
  }

  /** Moves one piece to the other side; false where there is none or it cannot. */
  deliver(): boolean {
    const { peer } = this;
    if (this.isClosed || peer === null || peer.isClosed || peer.isBusy) return false;
    if (peer.handler === null || this.queue.length === 0) return false;
    const bytes = this.queue.shift()!;
    this.network.deliveredBytes += bytes.length;
    this.#queuedBytes -= bytes.length;
    const result = peer.handler.received(bytes.slice());
    if (result !== undefined) {
      peer.isBusy = true;
      result.then(() => peer.isBusy = false);
    }
    if (!this.isClosed) this.handler?.writable();
    return true;
  }
}

export class MemoryNetwork {
  /** Nothing arrives, nobody is told. */
  isCut = false;
  /** Pieces that go from the named node in one `deliver`. */
  readonly slow = new Map<string, number>();
  deliveredBytes = 0;
  readonly #listeners = new Map<string, (link: Link) => void>();
  #links: { readonly link: MemoryLink; readonly from: string }[] = [];

  listen(address: string, accept: (link: Link) => void): void {
    this.#listeners.set(address, accept);
  }

  transportOf(node: string): Transport {
    return {
      connect: (address) => {
        const accept = this.#listeners.get(address);
        if (accept === undefined || this.isCut) {
          return Promise.reject(new Error(`${address}: connection refused`));
        }
        const near = new MemoryLink(address, this);
        const far = new MemoryLink(node, this);
        near.peer = far;
        far.peer = near;
        this.#links.push({ link: near, from: node }, { link: far, from: address });
        accept(far);
        return Promise.resolve(near);
      },
    };
  }

  /** Everything that is on its way arrives, as far as it may. */
  deliver(): void {
    if (this.isCut) return;
    const budget = new Map(this.slow);
    for (let moved = true; moved;) {
      moved = false;
      for (const { link, from } of this.#links) {
        const left = budget.get(from) ?? Infinity;
        if (left <= 0 || !link.deliver()) continue;
        budget.set(from, left - 1);
        moved = true;
      }
    }
    this.#links = this.#links.filter(({ link }) => !link.isClosed);
  }
}
