/** The program in a process of its own, and a daemon that answers as the test says. */
import type { ControlRequest } from "../../lib/control.ts";
import { serveControl } from "../../lib/host/control_socket.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What starts the program from its source. */
const program = [
  ...[Deno.execPath(), "run", "-A", "--quiet", "--no-check"],
  new URL("../../cli/main.ts", import.meta.url).pathname,
];

export async function avail(...args: string[]): Promise<Outcome> {
  return await availReading("", ...args);
}

/** The program with `input` on its standard input. */
export async function availReading(input: string, ...args: string[]): Promise<Outcome> {
  return await fed(input, [...program, ...args]);
}

/** A command with `input` on its standard input, without colours. */
export async function fed(input: string, command: readonly string[]): Promise<Outcome> {
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const feeding = new Blob([input]).stream().pipeTo(child.stdin).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  await feeding;
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
