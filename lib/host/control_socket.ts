/**
 * The control socket on a Unix socket of root (0600): one JSON request a line, one JSON reply a line,
 * as many as the client likes on one connection (shapes: lib/control.ts).
 *
 * ```
 * {"command":"status"}               ->  {"ok":true,"result":{…}}
 * {"command":"wether"}               ->  {"ok":false,"error":"control request: unknown command …"}
 * ```
 */
import type { ControlReply, ControlRequest } from "../control.ts";
import { parseControlRequest } from "../control_request.ts";
import { AvailError, exitCodes } from "../errors.ts";
import {
  controlConnectionsMax,
  controlReplyBytesMax,
  controlRequestBytesMax,
  socketPathBytesMax,
} from "../limits.ts";
import { LineSplitter, LineTooLong } from "../lines.ts";

export interface ControlServerOptions {
  readonly path: string;
  /** Answers a request; what it throws becomes an error reply with its message. */
  readonly handle: (request: ControlRequest) => unknown;
  /** Ends the service and removes the socket. */
  readonly signal: AbortSignal;
}

/** A control socket that is being served. */
export interface ControlServer {
  /** Resolves when the service has ended and the socket is gone. */
  readonly ended: Promise<void>;
}

/**
 * Binds the socket and serves it until `signal`. The socket of a dead daemon is replaced; a living
 * one is an `AvailError`.
 */
export async function serveControl(options: ControlServerOptions): Promise<ControlServer> {
  const listener = await bindSocket(options.path);
  const inode = (await Deno.lstat(options.path)).ino;
  const connections = new Set<Deno.Conn>();
  const end = () => {
    listener.close();
    for (const connection of connections) closeQuietly(connection);
  };
  options.signal.addEventListener("abort", end, { once: true });
  if (options.signal.aborted) end();
  return { ended: accept(listener, connections, options).then(() => unlink(options.path, inode)) };
}

async function bindSocket(path: string): Promise<Deno.UnixListener> {
  const pathBytes = new TextEncoder().encode(path).length;
  if (pathBytes > socketPathBytesMax) {
    throw new AvailError(
      `control socket ${path}: ${pathBytes} bytes; keep ${socketPathBytesMax} at most`,
      { exitCode: exitCodes.usage },
    );
  }
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  try {
    await Deno.mkdir(parent, { recursive: true, mode: 0o755 });
    using _lock = await lockDirectory(parent);
    await removeStale(path);
    // The mode must be right from the first moment: between bind and chmod anyone could connect.
    const umask = Deno.umask(0o177);
    try {
      return Deno.listen({ transport: "unix", path });
    } finally {
      Deno.umask(umask);
    }
  } catch (error) {
    if (error instanceof AvailError) throw error;
    throw new AvailError(`control socket ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Two daemons that start at once must not both find the same socket stale. */
async function lockDirectory(path: string): Promise<Deno.FsFile> {
  const directory = await Deno.open(path);
  for (let tries = 0; tries < 100; tries++) {
    if (await directory.tryLock(true)) return directory;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  directory.close();
  throw new AvailError(`control socket: ${path} is locked; another daemon is starting there`);
}

async function removeStale(path: string): Promise<void> {
  const found = await statOrNull(path);
  if (!found) return;
  if (!found.isSocket) {
    throw new AvailError(
      `control socket ${path}: there is something else; remove it or change [control] socket`,
      { exitCode: exitCodes.usage },
    );
  }
  try {
    closeQuietly(await Deno.connect({ transport: "unix", path }));
  } catch (error) {
    // Only a refusal proves that nobody listens; a daemon that is merely stopped lets us queue.
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    await Deno.remove(path);
    return;
  }
  throw new AvailError(
    `control socket ${path}: another daemon is running; stop it, or change [control] socket`,
  );
}

async function accept(
  listener: Deno.UnixListener,
  connections: Set<Deno.Conn>,
  { handle }: ControlServerOptions,
): Promise<void> {
  try {
    for await (const connection of listener) {
      if (connections.size >= controlConnectionsMax) {
        closeQuietly(connection);
        continue;
      }
      connections.add(connection);
      serve(connection, handle).finally(() => connections.delete(connection));
    }
  } catch (error) {
    // A listener that is closed while it waits says so by one of these.
    if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) {
      throw error;
    }
  }
}

/** One connection, until its end; a peer that goes away in the middle is no error of ours. */
async function serve(
  connection: Deno.Conn,
  handle: ControlServerOptions["handle"],
): Promise<void> {
  const splitter = new LineSplitter(controlRequestBytesMax);
  const buffer = new Uint8Array(controlRequestBytesMax);
  try {
    for (let n; (n = await connection.read(buffer)) !== null;) {
      for (const line of splitter.push(buffer.subarray(0, n))) {
        await writeLine(connection, await reply(line, handle));
      }
    }
  } catch (error) {
    if (error instanceof LineTooLong) {
      const refusal: ControlReply = { ok: false, error: `control request: ${error.message}` };
      await writeLine(connection, refusal).catch(() => {});
    }
  } finally {
    closeQuietly(connection);
  }
}

async function reply(line: string, handle: ControlServerOptions["handle"]): Promise<ControlReply> {
  try {
    return { ok: true, result: await handle(parseControlRequest(line)) ?? null };
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

/**
 * Asks the daemon behind `path` and gives the result of its reply. Throws `AvailError`: with
 * `exitCodes.notRunning` where nobody listens, with the daemon's own words where it refused.
 */
export async function controlRequest(
  path: string,
  request: ControlRequest,
  timeoutMs = 5000,
): Promise<unknown> {
  const connection = await connect(path);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    closeQuietly(connection);
  }, timeoutMs);
  try {
    await writeLine(connection, request);
    const line = await readLine(connection);
    if (line === null) throw new Error("the daemon hung up");
    const reply: ControlReply = JSON.parse(line);
    if (!reply.ok) throw new AvailError(reply.error);
    return reply.result;
  } catch (error) {
    if (error instanceof AvailError) throw error;
    throw new AvailError(
      isLate
        ? `${path}: no answer within ${timeoutMs} ms; the daemon hangs or is stopped`
        : `${path}: ${messageOf(error)}`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
    closeQuietly(connection);
  }
}

async function connect(path: string): Promise<Deno.Conn> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new AvailError(`${path}: permission denied; run this as root`, { cause: error });
    }
    const isGone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.ConnectionRefused;
    if (!isGone) throw new AvailError(`${path}: ${messageOf(error)}`, { cause: error });
    if ((await statOrNull(path))?.isSocket === false) {
      throw new AvailError(
        `${path}: is no socket; name the daemon's, or its configuration, with --socket or --config`,
        { cause: error, exitCode: exitCodes.usage },
      );
    }
    throw new AvailError(
      `avail is not running: nobody listens on ${path}; start it with \`avail run\`, ` +
        "or name its socket with --socket",
      { exitCode: exitCodes.notRunning, cause: error },
    );
  }
}

async function readLine(connection: Deno.Conn): Promise<string | null> {
  const splitter = new LineSplitter(controlReplyBytesMax);
  const buffer = new Uint8Array(65536);
  for (let n; (n = await connection.read(buffer)) !== null;) {
    const [line] = splitter.push(buffer.subarray(0, n));
    if (line !== undefined) return line;
  }
  return null;
}

async function writeLine(connection: Deno.Conn, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(value) + "\n");
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Removes the socket if it is still ours: a later daemon may have replaced it. */
async function unlink(path: string, inode: number | null): Promise<void> {
  if ((await statOrNull(path))?.ino === inode) await Deno.remove(path);
}

async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed by the other path.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
