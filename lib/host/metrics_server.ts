/**
 * Serves a node's metrics to Prometheus: `GET /metrics`, one request on a connection. Whoever is slow,
 * says too much or comes in crowds is let go; the daemon waits for none of them.
 */
import { AvailError } from "../errors.ts";
import {
  metricsConnectionMsMax,
  metricsConnectionsMax,
  metricsPageMsMin,
  metricsRequestBytesMax,
} from "../limits.ts";
import { answerTo, encodeAnswer, headEnd, refusal } from "../metrics/http.ts";

/** An address that cannot be had now may be there later: an interface that comes up, a daemon that goes. */
const bindAgainMs = 5000;
/** How long what a client still sends is read away, so that its answer is not lost (RFC 9112, 9.6). */
const lingerMs = 500;

export interface MetricsServerOptions {
  /** `127.0.0.1:9477`, `[::1]:9477`, or `off`. */
  readonly listen: string;
  /** Makes the page. */
  readonly page: () => Promise<string>;
  /** It listens there now: host and port. */
  readonly listening: (address: string) => void;
  /** Why it cannot for now, whenever that changes. */
  readonly failed: (problem: string) => void;
  /** How long a connection may last. */
  readonly connectionMsMax?: number;
}

export class MetricsServer {
  readonly #options: MetricsServerOptions;
  readonly #connections = new Set<Deno.Conn>();
  #listen: string;
  #listener: Deno.TcpListener | null = null;
  /** Ends a pause before its time. */
  #endPause: (() => void) | null = null;
  #isClosed = false;
  #page: Promise<string> | null = null;
  #pageAt = -Infinity;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#listen = options.listen;
  }

  /** Serves until `close`. */
  async run(): Promise<void> {
    let complained = "";
    while (!this.#isClosed) {
      const listen = this.#listen;
      if (listen === "off") {
        await this.#pause(null);
        continue;
      }
      try {
        this.#listener = Deno.listen({ transport: "tcp", ...addressOf(listen) });
      } catch (error) {
        const problem = `metrics on ${listen}: ${error instanceof Error ? error.message : error}`;
        if (problem !== complained) this.#options.failed(complained = problem);
        await this.#pause(bindAgainMs);
        continue;
      }
      complained = "";
      this.#options.listening(textOf(this.#listener.addr));
      await this.#accept(this.#listener);
      this.#listener = null;
    }
  }

  /** Serves there from now on. */
  use(listen: string): void {
    if (listen === this.#listen) return;
    this.#listen = listen;
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
    for (const connection of this.#connections) closeQuietly(connection);
  }

  /** Ends whatever `run` waits for. */
  #wake(): void {
    if (this.#listener !== null) closeQuietly(this.#listener);
    this.#endPause?.();
  }

  #pause(ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#endPause = null;
        resolve();
      };
      const timer = ms === null ? undefined : setTimeout(end, ms);
      this.#endPause = end;
    });
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    try {
      for (;;) {
        const connection = await listener.accept();
        if (this.#connections.size >= metricsConnectionsMax) {
          closeQuietly(connection);
          continue;
        }
        this.#connections.add(connection);
        this.#serve(connection).finally(() => this.#connections.delete(connection));
      }
    } catch (error) {
      const isOver = error instanceof Deno.errors.BadResource ||
        error instanceof Deno.errors.Interrupted;
      // Out of descriptors, or a client that was gone again: try anew in a while.
      if (!isOver) await this.#pause(bindAgainMs);
    } finally {
      closeQuietly(listener);
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const { connectionMsMax = metricsConnectionMsMax } = this.#options;
    const deadline = setTimeout(() => closeQuietly(connection), connectionMsMax);
    try {
      const head = await readHead(connection);
      if (head === "") return;
      const answer = head === null
        ? refusal(431, `a request has ${metricsRequestBytesMax} bytes at most`)
        : answerTo(head);
      const isPage = answer.text === null;
      let bytes: Uint8Array;
      try {
        bytes = encodeAnswer(answer, isPage ? await this.#fresh() : "");
      } catch (error) {
        // A daemon that is ending cannot tell any more.
        const why = error instanceof AvailError ? error.message : "the daemon could not tell";
        bytes = encodeAnswer(refusal(500, why), "");
      }
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
      await connection.closeWrite();
      await readAway(connection);
    } catch {
      // It went away, or its time was up.
    } finally {
      clearTimeout(deadline);
      closeQuietly(connection);
    }
  }

  /** The page, made anew where it is too old. */
  #fresh(): Promise<string> {
    const now = performance.now();
    if (this.#page !== null && now - this.#pageAt < metricsPageMsMin) return this.#page;
    this.#pageAt = now;
    const page = this.#options.page();
    page.catch(() => this.#page = null);
    return this.#page = page;
  }
}

/** Host and port of `127.0.0.1:9477` or `[::1]:9477`, which the configuration has checked. */
export function addressOf(listen: string): { readonly hostname: string; readonly port: number } {
  const colon = listen.lastIndexOf(":");
  return {
    hostname: listen.slice(0, colon).replace(/^\[|\]$/g, ""),
    port: Number(listen.slice(colon + 1)),
  };
}

function textOf({ hostname, port }: Deno.NetAddr): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** A request's head; "": there was none; null: it is too long. */
async function readHead(connection: Deno.Conn): Promise<string | null> {
  const bytes = new Uint8Array(metricsRequestBytesMax);
  let length = 0;
  while (length < bytes.length) {
    const n = await connection.read(bytes.subarray(length));
    if (n === null) return "";
    length += n;
    const end = headEnd(bytes.subarray(0, length));
    if (end >= 0) return new TextDecoder("latin1").decode(bytes.subarray(0, end));
  }
  return null;
}

async function readAway(connection: Deno.Conn): Promise<void> {
  const timer = setTimeout(() => closeQuietly(connection), lingerMs);
  const buffer = new Uint8Array(4096);
  try {
    while (await connection.read(buffer) !== null);
  } finally {
    clearTimeout(timer);
  }
}

function closeQuietly(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // It was closed by the other path.
  }
}
