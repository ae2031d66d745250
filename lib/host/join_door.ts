/**
 * Where joiners knock: TCP listeners that are open or closed, with bounds on how many come in, how
 * often from one address, and how long each may stay.
 */
import { Allowance } from "../allowance.ts";
import { encodeRefused } from "../joining/frames.ts";
import { now } from "./clock.ts";

/** What is behind the door. */
export interface JoinSession {
  /** Takes what came; the bytes to send back, and whether it is over then. */
  receive(
    bytes: Uint8Array,
  ): Promise<{ readonly answers: readonly Uint8Array[]; readonly isEnded: boolean }>;
}

export interface JoinDoorPorts {
  session(address: string): Promise<JoinSession>;
  refused(reason: string, address: string): void;
}

/** A join is two short connections of one machine. */
const connectionsMax = 8;
const perSecond = 1;
const atOnceMax = 10;
const addressesMax = 256;
/**
 * Until the greeting is there: with `perSecond`, less than `connectionsMax` connections of one address
 * can be open for long, so that it cannot keep others out.
 */
const greetingMsMax = 5000;
/** From then to the last byte: what a person has to think about is done between connections. */
const connectionMsMax = 20_000;
/** What is still under way from a joiner that is told goodbye. */
const readsMax = 16;

export class JoinDoor {
  readonly #ports: JoinDoorPorts;
  readonly #listeners = new Map<string, Deno.TcpListener>();
  readonly #allowances = new Map<string, Allowance>();
  #connections = 0;

  constructor(ports: JoinDoorPorts) {
    this.#ports = ports;
  }

  /** `address:port` of every listener. */
  get listening(): string[] {
    return [...this.#listeners.keys()];
  }

  /** Listens on these addresses and no others; why some are not possible, or null. */
  open(addresses: readonly string[], port: number): string | null {
    const wanted = new Map(addresses.map((hostname) => [hostAndPort(hostname, port), hostname]));
    for (const [place, listener] of this.#listeners) {
      if (wanted.has(place)) continue;
      listener.close();
      this.#listeners.delete(place);
    }
    const problems: string[] = [];
    for (const [place, hostname] of wanted) {
      if (this.#listeners.has(place)) continue;
      try {
        const listener = Deno.listen({ hostname, port });
        this.#listeners.set(place, listener);
        this.#accept(place, listener);
      } catch (error) {
        problems.push(`listen on ${place}: ${whyNot(error, port)}`);
      }
    }
    return problems.length === 0 ? null : problems.join("; ");
  }

  close(): void {
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
  }

  async #accept(place: string, listener: Deno.TcpListener): Promise<void> {
    while (this.#listeners.get(place) === listener) {
      try {
        const connection = await listener.accept();
        this.#serve(connection).catch(() => {});
      } catch {
        if (this.#listeners.get(place) !== listener) return;
        // A connection that was gone before it was taken, or no descriptor left for it.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const address = connection.remoteAddr.hostname;
    if (!this.#admits(address)) {
      this.#ports.refused("too many", address);
      await writeAll(connection, encodeRefused("busy")).catch(() => {});
      return connection.close();
    }
    this.#connections++;
    let isClosed = false;
    const close = () => {
      if (!isClosed) connection.close();
      isClosed = true;
    };
    let timer = setTimeout(close, greetingMsMax);
    try {
      const session = await this.#ports.session(address);
      const buffer = new Uint8Array(4096);
      for (let n; (n = await connection.read(buffer)) !== null;) {
        const { answers, isEnded } = await session.receive(buffer.slice(0, n));
        if (answers.length > 0) {
          clearTimeout(timer);
          timer = setTimeout(close, connectionMsMax);
        }
        for (const answer of answers) await writeAll(connection, answer);
        if (isEnded) break;
      }
      await hangUp(connection);
    } finally {
      clearTimeout(timer);
      this.#connections--;
      close();
    }
  }

  /** Bounded, by address: who knocks all the time must not keep others out. */
  #admits(address: string): boolean {
    if (this.#connections >= connectionsMax) return false;
    const known = this.#allowances.get(address);
    const allowance = known ?? new Allowance(perSecond, atOnceMax);
    this.#allowances.delete(address);
    this.#allowances.set(address, allowance);
    if (this.#allowances.size > addressesMax) {
      this.#allowances.delete(this.#allowances.keys().next().value!);
    }
    if (!allowance.has(now())) return false;
    allowance.spend();
    return true;
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function whyNot(error: unknown, port: number): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `the port is in use; end what holds it (ss -ltnp 'sport = ${port}')`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) return "the address is not there yet";
  return error instanceof Error ? error.message : String(error);
}

/** Closing with something unread would take back what was said last. */
async function hangUp(connection: Deno.TcpConn): Promise<void> {
  await connection.closeWrite();
  const buffer = new Uint8Array(4096);
  for (let reads = 0; reads < readsMax && await connection.read(buffer) !== null; reads++);
}

export function hostAndPort(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
