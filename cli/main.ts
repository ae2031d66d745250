/** The program: words in, text out, and the one place that exits. */
import { run, type StricliProcess } from "@stricli/core";
import { exitCodes } from "../lib/errors.ts";
import { application, exitCodeOf, isHelpFlag, withDefaultCommand } from "./application.ts";
import { type Context, styleOf } from "./context.ts";
import { fitError, fitHelp } from "./help_fit.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Runs one command line; its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const inputs = withDefaultCommand(args);
  const written = writerTo(Deno.stdout);
  const stdout = inputs.some(isHelpFlag) ? fitting(written) : written;
  const context: Context = {
    process: { stdout, stderr: fittingErrors(writerTo(Deno.stderr)), exitCode: null },
    style: styleOf((name) => Deno.env.get(name), Deno.stdout.isTerminal()),
  };
  await run(await application(inputs), inputs, context);
  return exitCodeOf(context.process.exitCode);
}

/** Help comes in lines that the terminal can show. */
function fitting(stdout: StricliProcess["stdout"]): StricliProcess["stdout"] {
  if (!Deno.stdout.isTerminal()) return stdout;
  const { columns } = Deno.consoleSize();
  return { write: (text) => stdout.write(fitHelp(text, columns)) };
}

/** So do errors; what is in progress keeps its own lines. */
function fittingErrors(stderr: StricliProcess["stderr"]): StricliProcess["stderr"] {
  if (!Deno.stderr.isTerminal()) return stderr;
  return { write: (text) => stderr.write(fitError(text, Deno.consoleSize().columns)) };
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
