/** The token as the user gives it: as words, on standard input, in a file, or as an answer. */
import { AvailError, exitCodes } from "../../lib/errors.ts";
import { parseToken } from "../../lib/joining/token.ts";
import type { Context } from "../context.ts";
import { canAsk, Questions } from "./ask.ts";

/** A token has some hundred characters; a wrong file should not be read into memory. */
const bytesMax = 8192;

export async function readTokenWords(
  context: Context,
  words: readonly string[],
  file: string | undefined,
): Promise<string> {
  if (file !== undefined) {
    if (words.length > 0) throw usage("TOKEN and --token-file are two of them; give one");
    return await readTokenFile(file);
  }
  if (words.length === 1 && words[0] === "-") return await readAll(Deno.stdin);
  // A line that broke on its way through a terminal comes as several words.
  if (words.length > 0) return words.join(" ");
  if (!canAsk()) {
    throw usage("TOKEN is missing; on a node of the cluster, `avail token` prints the whole line");
  }
  const question = "The token, as `avail init` or `avail token` printed it";
  return new Questions(context).ask(question, "", (answer) => {
    parseToken(answer); // What is wrong with it is told, and asked again.
    return answer;
  });
}

async function readTokenFile(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    return await readAll(file);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Deno.errors.PermissionDenied
      ? "permission denied"
      : error instanceof Error
      ? error.message
      : String(error);
    throw usage(`--token-file ${path}: ${why}`);
  }
}

async function readAll(
  from: { read(bytes: Uint8Array): Promise<number | null> },
): Promise<string> {
  const bytes = new Uint8Array(bytesMax);
  let length = 0;
  for (let n; length < bytesMax && (n = await from.read(bytes.subarray(length))) !== null;) {
    length += n;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}

function usage(message: string): AvailError {
  return new AvailError(`join: ${message}`, { exitCode: exitCodes.usage });
}
