/** Prometheus' own checker, out of Debian's package; `./dev setup` unpacks it. */

const program = new URL("../../.cache/promtool/promtool", import.meta.url).pathname;

/** Runs it with this input; all that it says: "" where there is nothing to complain of. */
export async function promtool(args: readonly string[], input: string): Promise<string> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    throw new Error(`${program}: ${(cause as Error).message}; run ./dev setup`, { cause });
  }
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}
