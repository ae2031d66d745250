/** Programs that the build runs: by argument vectors, never through a shell. */

/** What it printed; throws with its own words if it fails or is not there. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const command = new Deno.Command(program, { ...options, args: [...args], stdin: "null" });
  let output: Deno.CommandOutput;
  try {
    output = await command.output();
  } catch (cause) {
    throw new Error(`run ${program}: not found; ./dev setup installs it`, { cause });
  }
  const decoder = new TextDecoder();
  if (!output.success) {
    const words = decoder.decode(output.stderr).trim() || decoder.decode(output.stdout).trim();
    throw new Error(`run ${program} ${args.join(" ")}: exit code ${output.code}: ${words}`);
  }
  return decoder.decode(output.stdout);
}
