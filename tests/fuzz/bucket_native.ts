/** kmod/bucket.h, compiled for this machine: what it answers to records (bucket_diff.c). */

import { type FrameKey } from "../../lib/ownership/bucket_of_frame.ts";
import type { BucketVerdict } from "../../lib/ownership/bucket_of_frame.ts";
import { ip } from "../vectors/frames.ts";
import type { VectorConfig } from "../vectors/bucket_vector.ts";

export const headerFolder = new URL("../../kmod", import.meta.url).pathname;
const sourceFolder = new URL(".", import.meta.url).pathname;

/** `enum avail_verdict`. */
const verdicts: Readonly<Record<number, BucketVerdict>> = {
  [-1]: "malformed",
  [-2]: "ndp",
  [-3]: "arp",
  [-4]: "other",
  [-5]: "fragmentToNat",
  [-6]: "natOther",
};
const keys: readonly FrameKey["key"][] = ["source", "pair", "inside", "flow"];

export const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/**
 * Compiles `source` of this folder against the bucket.h in `include`.
 * @returns The path of the executable.
 */
export async function compile(
  source: string,
  into: string,
  flags: readonly string[],
  include: string = headerFolder,
): Promise<string> {
  const executable = `${into}/${source.replace(".c", "")}`;
  await run("clang", [
    ...["-O1", "-g", "-Wall", "-Wextra", "-Werror", ...flags],
    ...["-I", include, "-o", executable, `${sourceFolder}${source}`],
  ]);
  return executable;
}

/** Runs a command to its end; its standard error is the message of the error. */
export async function run(
  command: string,
  args: readonly string[],
  input: Uint8Array<ArrayBuffer> = new Uint8Array(0),
): Promise<Uint8Array<ArrayBuffer>> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // Who ends early closes the pipe: its exit code says more than the broken pipe.
  const written = writer.write(input).then(() => writer.close()).catch(() => {});
  const { success, stdout, stderr } = await child.output();
  await written;
  if (!success) throw new Error(`running ${command}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** What is asked of the C side, in order. */
export class Questions {
  readonly #parts: Uint8Array[] = [];

  config(config: VectorConfig): void {
    this.#record(0, encodeConfig(config));
  }

  frame(frame: Uint8Array): void {
    this.#record(1, frame);
  }

  hash(bytes: Uint8Array): void {
    this.#record(2, bytes);
  }

  /** One number for each frame and hash. */
  async ask(executable: string): Promise<Int32Array> {
    const input = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      input.set(part, at);
      at += part.length;
    }
    return new Int32Array((await run(executable, [], input)).slice().buffer);
  }

  #record(kind: number, bytes: Uint8Array): void {
    this.#parts.push(new Uint8Array(Uint32Array.of(kind, bytes.length).buffer), bytes.slice());
  }
}

export function verdictOf(answer: number): BucketVerdict {
  return answer >= 0 ? answer : verdicts[answer] ?? `unknown verdict ${answer}` as never;
}

/** The bytes of struct avail_hash_config, offsets as kmod/bucket.h states them. */
export function encodeConfig(config: VectorConfig): Uint8Array {
  const bytes = new Uint8Array(592);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, config.seed[0], true);
  view.setUint32(4, config.seed[1], true);
  bytes[8] = keys.indexOf(config.key);
  bytes[9] = config.side === "outside" ? 1 : 0;
  bytes[10] = config.nat === null ? 0 : 1;
  bytes[11] = config.inside.length;
  if (config.nat !== null) bytes.set(ip(config.nat), 12);
  for (const [i, text] of config.inside.entries()) {
    const [address, length] = text.split("/");
    const at = 16 + 36 * i;
    bytes.set(ip(address), at);
    for (let bit = 0; bit < Number(length); bit++) bytes[at + 16 + (bit >> 3)] |= 0x80 >> (bit & 7);
    bytes[at + 32] = ip(address).length === 4 ? 4 : 6;
  }
  return bytes;
}
