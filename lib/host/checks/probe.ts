/**
 * One try of a check: null where it succeeded, else what went wrong in a few words. Each gives up when
 * its signal says so, and leaves nothing behind.
 */
import type { CheckProbe } from "../../config.ts";
import type { CheckResult } from "../../health/check_state.ts";

/** A status line is shorter; a server that sends more of it is none. */
const statusLineBytesMax = 512;
/** What of a program's complaint is worth keeping. */
const complaintBytesMax = 200;

/** Tries once; `signal` ends it, and its reason is the result then. */
export async function probe(what: CheckProbe, signal: AbortSignal): Promise<CheckResult> {
  try {
    signal.throwIfAborted();
    switch (what.kind) {
      case "tcp":
        (await connect(what, signal)).close();
        return null;
      case "http":
        return await probeHttp(what, signal);
      case "command":
        return await probeCommand(what.argv, signal);
    }
  } catch (error) {
    return signal.aborted ? String(signal.reason) : brief(error);
  }
}

async function connect(to: { host: string; port: number }, signal: AbortSignal) {
  return await Deno.connect({ hostname: to.host, port: to.port, signal });
}

/** HTTP/1.1 (RFC 9112) as far as the status line: no proxy, no redirection, no connection kept. */
async function probeHttp(
  what: Extract<CheckProbe, { kind: "http" }>,
  signal: AbortSignal,
): Promise<CheckResult> {
  using connection = await connect(what, signal);
  const close = () => connection.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    const host = what.host.includes(":") ? `[${what.host}]` : what.host;
    const authority = what.port === 80 ? host : `${host}:${what.port}`;
    const request = `GET ${what.path} HTTP/1.1\r\nHost: ${authority}\r\n` +
      "User-Agent: avail\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    await writeAll(connection, new TextEncoder().encode(request));
    const line = await readLine(connection);
    const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1];
    if (status === undefined) return "the answer is not HTTP";
    return Number(status) === what.status ? null : `status ${status} instead of ${what.status}`;
  } finally {
    signal.removeEventListener("abort", close);
    // `using` closes what is still open; what the signal closed may be closed again.
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readLine(connection: Deno.Conn): Promise<string> {
  const bytes = new Uint8Array(statusLineBytesMax);
  let length = 0;
  while (length < bytes.length) {
    const n = await connection.read(bytes.subarray(length));
    if (n === null) break;
    length += n;
    const end = bytes.subarray(0, length).indexOf(10);
    if (end >= 0) return new TextDecoder().decode(bytes.subarray(0, end)).trimEnd();
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}

/** Exit code 0 is a success. No shell, no input, an environment of its own; killed at its deadline. */
async function probeCommand(argv: readonly string[], signal: AbortSignal): Promise<CheckResult> {
  const [program, ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // it has just ended
    }
  };
  signal.addEventListener("abort", kill, { once: true });
  const reader = child.stderr.getReader();
  try {
    // Whoever inherited its standard error may hold it open: only its end counts.
    const complaint = firstBytes(reader);
    const status = await child.status;
    if (signal.aborted) return String(signal.reason);
    if (status.success) return null;
    const how = status.signal === null ? `exit code ${status.code}` : `ended by ${status.signal}`;
    const words = await Promise.race([complaint, soon("")]);
    return words === "" ? how : `${how}: ${words}`;
  } finally {
    signal.removeEventListener("abort", kill);
    await reader.cancel().catch(() => {});
  }
}

/** The first line of a stream, cut to a readable length; the rest is read, so that no writer waits. */
async function firstBytes(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
    if (done || value === undefined) break;
    if (text.length < complaintBytesMax) text += decoder.decode(value, { stream: true });
  }
  return text.trim().split("\n")[0].slice(0, complaintBytesMax);
}

function soon(value: string): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, 20, value));
}

/** `Connection refused (os error 111)` becomes `connection refused`. */
function brief(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const short = text.replace(/ \(os error \d+\)/, "").split("\n")[0];
  return short.charAt(0).toLowerCase() + short.slice(1);
}
