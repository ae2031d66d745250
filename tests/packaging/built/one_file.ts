/** dist/avail of this checkout, in a folder of the test's own. */
import { buildOneFile } from "../../../packaging/build.ts";

const root = new URL("../../../", import.meta.url).pathname;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class OneFile implements AsyncDisposable {
  /** Everything below: the file, and where it is unpacked to. */
  readonly folder: string;
  readonly path: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.path = `${folder}/avail`;
  }

  /** What compressing the runtime gave is kept from test to test. */
  static async build(): Promise<OneFile> {
    // Not below /tmp: that others may write there is what the launcher looks at.
    const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "avail-built-" });
    await Deno.chmod(folder, 0o755);
    await buildOneFile({ how: "launcher", out: folder, cache: `${root}.cache/build` });
    return new OneFile(folder);
  }

  get env(): Record<string, string> {
    return { AVAIL_RUNTIME_DIR: `${this.folder}/runtime`, NO_COLOR: "1" };
  }

  run(...words: readonly string[]): Promise<Outcome> {
    return this.runWith({}, ...words);
  }

  async runWith(env: Record<string, string>, ...words: readonly string[]): Promise<Outcome> {
    return await outcome([this.path, ...words], { ...this.env, ...env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

export async function outcome(
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(argv[0], {
    args: argv.slice(1),
    env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
