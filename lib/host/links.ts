/** Byte pipes between the nodes over TCP. */
import { AvailError } from "../errors.ts";
import type { Link, LinkHandler, Transport } from "../replication/transport.ts";

const readBytes = 32 * 1024;
/**
 * Reading what is there already lets nothing else run; after so much work on it the rest of the program
 * has its turn.
 */
const turnMs = 5;
/** After a connection that could not be taken. */
const acceptPauseMs = 10;

class TcpLink implements Link {
  readonly remote: string;
  readonly #connection: Deno.TcpConn;
  #queue: Uint8Array<ArrayBuffer>[] = [];
  #queuedBytes = 0;
  #isWriting = false;
  #isClosed = false;
  #handler: LinkHandler | null = null;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    const { hostname, port } = connection.remoteAddr;
    this.remote = hostAndPort(hostname, port);
    connection.setNoDelay(true);
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  attach(handler: LinkHandler): void {
    this.#handler = handler;
    this.#read(handler);
  }

  async #read(handler: LinkHandler): Promise<void> {
    const buffer = new Uint8Array(readBytes);
    let workedMs = 0;
    try {
      for (let length; (length = await this.#connection.read(buffer)) !== null;) {
        const startedAt = performance.now();
        const done = handler.received(buffer.slice(0, length));
        workedMs += performance.now() - startedAt;
        await done;
        if (this.#isClosed) return;
        if (workedMs < turnMs) continue;
        await new Promise((resolve) => setTimeout(resolve, 0));
        workedMs = 0;
        if (this.#isClosed) return;
      }
      this.#end("closed by the peer");
    } catch (error) {
      this.#end(reasonOf(error));
    }
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (!this.#isWriting) this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#queue.length > 0) {
        const bytes = joined(this.#queue);
        this.#queue = [];
        for (let at = 0; at < bytes.length;) {
          at += await this.#connection.write(bytes.subarray(at));
        }
        this.#queuedBytes -= bytes.length;
        if (!this.#isClosed) this.#handler?.writable();
      }
    } catch (error) {
      this.#end(reasonOf(error));
    }
    this.#isWriting = false;
  }

  close(): void {
    this.#end("closed");
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
    this.#handler?.closed(reason);
  }
}

/** Connections to the peers' replication port, each given so long to come about. */
export class TcpTransport implements Transport {
  constructor(readonly port: number, readonly connectMsMax: number) {}

  async connect(address: string): Promise<Link> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), this.connectMsMax);
    try {
      const options = { hostname: address, port: this.port, signal: abort.signal };
      return new TcpLink(await Deno.connect(options));
    } catch (cause) {
      const why = abort.signal.aborted ? "no answer" : reasonOf(cause);
      throw new Error(`${hostAndPort(address, this.port)}: ${why}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Waits for the peers' connections on every one of `addresses`. */
export class TcpListener {
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #take: (link: Link) => void;

  constructor(addresses: readonly string[], port: number, accept: (link: Link) => void) {
    this.#take = accept;
    try {
      for (const hostname of addresses) {
        this.#listeners.push(listen(hostname, this.#listeners[0]?.addr.port ?? port));
      }
    } catch (error) {
      this.close();
      throw error;
    }
    for (const listener of this.#listeners) this.#accept(listener, accept);
  }

  /**
   * Waits on these from now on; connections that stand go on. Throws `AvailError` where one of them
   * cannot be had, and is as before then.
   */
  use(addresses: readonly string[]): void {
    const { port } = this;
    const known = this.#listeners.map(({ addr }) => addr.hostname);
    const added: Deno.TcpListener[] = [];
    try {
      for (const hostname of addresses) {
        if (!known.includes(hostname)) added.push(listen(hostname, port));
      }
    } catch (error) {
      for (const listener of added) listener.close();
      throw error;
    }
    const gone = this.#listeners.filter(({ addr }) => !addresses.includes(addr.hostname));
    this.#listeners.push(...added);
    for (const listener of gone) {
      this.#listeners.splice(this.#listeners.indexOf(listener), 1);
      listener.close();
    }
    for (const listener of added) this.#accept(listener, this.#take);
  }

  /** The port: the one that was asked for, or for 0 the one that was free. */
  get port(): number {
    return this.#listeners[0]?.addr.port ?? 0;
  }

  async #accept(listener: Deno.TcpListener, accept: (link: Link) => void): Promise<void> {
    while (this.#listeners.includes(listener)) {
      try {
        accept(new TcpLink(await listener.accept()));
      } catch {
        if (!this.#listeners.includes(listener)) return;
        // A connection that was gone before it was taken, or no descriptor left for it.
        await new Promise((resolve) => setTimeout(resolve, acceptPauseMs));
      }
    }
  }

  close(): void {
    for (const listener of this.#listeners.splice(0)) listener.close();
  }
}

function listen(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (cause) {
    const where = `listen for replication on ${hostAndPort(hostname, port)}`;
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new AvailError(
        `${where}: the port is in use; set another [replication] port on all nodes, ` +
          `or end what holds it (ss -ltnp 'sport = ${port}')`,
        { cause },
      );
    }
    if (cause instanceof Deno.errors.AddrNotAvailable) {
      throw new AvailError(`${where}: this machine has no such address`, { cause });
    }
    throw new AvailError(`${where}: ${reasonOf(cause)}`, { cause });
  }
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return parts[0];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function hostAndPort(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
