/** Asks another program of this machine, without a shell, and not for long. */

const msMax = 5000;

/** What it printed, or why it did not. */
export async function runBriefly(
  argv: readonly string[],
): Promise<{ readonly text: string } | { readonly problem: string }> {
  const name = `${argv[0].slice(argv[0].lastIndexOf("/") + 1)} ${argv.slice(1).join(" ")}`.trim();
  try {
    const { success, code, stdout, stderr } = await new Deno.Command(argv[0], {
      args: argv.slice(1),
      clearEnv: true,
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
      stdin: "null",
      signal: AbortSignal.timeout(msMax),
    }).output();
    if (success) return { text: new TextDecoder().decode(stdout) };
    const words = new TextDecoder().decode(stderr).trim().split("\n")[0];
    return { problem: `${name}: exit code ${code}${words === "" ? "" : `: ${words}`}` };
  } catch (error) {
    return { problem: `${name}: ${error instanceof Error ? error.message : error}` };
  }
}
