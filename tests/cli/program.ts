/** The program in a process of its own, and a daemon that answers as the test says. */
import type { ControlRequest } from "../../lib/control.ts";
import { serveControl } from "../../lib/host/control_socket.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function avail(...args: string[]): Promise<Outcome> {
  const main = new URL("../../cli/main.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", main, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A directory, and in it the socket of a daemon that answers as `handle` says. */
export async function withDaemon(
  handle: (request: ControlRequest) => unknown,
  body: (socket: string, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const stop = new AbortController();
  const path = `${directory}/control.sock`;
  try {
    const service = await serveControl({ path, handle, signal: stop.signal });
    try {
      await body(path, directory);
    } finally {
      stop.abort();
      await service.ended;
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
