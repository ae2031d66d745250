/**
 * The system's own tools (`ip`, `nft`, `mount`, …), run without a shell. What fails says which
 * command it was and what the tool answered.
 */
import { AvailError } from "../../lib/errors.ts";

const decoder = new TextDecoder();

/**
 * Runs one command to its end and returns its standard output.
 *
 * @param argv The command and its arguments.
 * @param input What it reads from standard input.
 * @throws AvailError with the command line and its standard error, also where it cannot be started.
 */
export async function tool(argv: readonly string[], input?: string): Promise<string> {
  const name = argv.join(" ");
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(argv[0], {
      args: argv.slice(1),
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new AvailError(`${name}: cannot be started: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const fed = input === undefined || !("stdin" in child) ? null : feed(child.stdin, input);
  const { code, stdout, stderr } = await child.output();
  await fed;
  if (code !== 0) {
    throw new AvailError(`${name}: exit code ${code}: ${complaint(decoder.decode(stderr), input)}`);
  }
  return decoder.decode(stdout);
}

/** Several `ip` commands in one process; `namespace` null: across namespaces. */
export async function ipBatch(namespace: string | null, lines: readonly string[]): Promise<void> {
  const where = namespace === null ? [] : ["-n", namespace];
  await tool(["ip", ...where, "-batch", "-"], lines.join("\n") + "\n");
}

/** Names at once all that is missing to build a lab: tools, and the rights to use them. */
export async function requireTools(names: readonly string[]): Promise<void> {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];
  const missing: string[] = [];
  for (const name of names) {
    const found = await Promise.all(folders.map((folder) => isFile(`${folder}/${name}`)));
    if (!found.includes(true)) missing.push(name);
  }
  const faults: string[] = [];
  if (missing.length > 0) {
    faults.push(
      `missing on this machine: ${missing.join(", ")}; install the packages ` +
        "iproute2, nftables, iputils-ping, procps and mount",
    );
  }
  if (Deno.uid() !== 0) faults.push("network namespaces need root; run it with sudo");
  if (faults.length > 0) throw new AvailError(`cannot build the lab: ${faults.join("; and ")}`);
}

async function feed(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch {
    // It ended before it had read everything; its exit code and its words say why.
  }
}

/** `ip -batch` names only the line's number: add the line itself. */
function complaint(stderr: string, input: string | undefined): string {
  const text = stderr.trim().replaceAll("\n", "; ");
  const number = /Command failed -:(\d+)/.exec(text)?.[1];
  const line = number === undefined ? undefined : input?.split("\n")[Number(number) - 1];
  return line === undefined ? text : `${text} (${line})`;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
