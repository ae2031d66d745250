/** The program: words in, text out, and the one place that exits. */
import { run } from "@stricli/core";
import { exitCodes } from "../lib/errors.ts";
import { application, exitCodeOf, withDefaultCommand } from "./application.ts";
import { type Context, styleOf } from "./context.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Runs one command line; its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const inputs = withDefaultCommand(args);
  const context: Context = {
    process: { stdout: writerTo(Deno.stdout), stderr: writerTo(Deno.stderr), exitCode: null },
    style: styleOf((name) => Deno.env.get(name), Deno.stdout.isTerminal()),
  };
  await run(application(), inputs, context);
  return exitCodeOf(context.process.exitCode);
}

function writerTo(stream: { writeSync(bytes: Uint8Array): number }) {
  return {
    write(text: string): void {
      const bytes = new TextEncoder().encode(text);
      try {
        for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
      } catch (error) {
        // `avail flows | head`: the reader has seen enough.
        if (error instanceof Deno.errors.BrokenPipe) Deno.exit(exitCodes.ok);
        throw error;
      }
    },
  };
}
