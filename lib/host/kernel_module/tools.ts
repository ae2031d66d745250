/** Other programs of this machine: where they are, and running them without a shell. */

const decoder = new TextDecoder();

/** Where programs are looked for: the environment's folders, and those of administrators. */
export function toolFolders(): string[] {
  const usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  return [...new Set([...(Deno.env.get("PATH") ?? "").split(":").filter(Boolean), ...usual])];
}

/** The program's path; null where it is not installed. */
export function findTool(folders: readonly string[], name: string): string | null {
  for (const folder of folders) {
    try {
      const path = `${folder}/${name}`;
      const { isFile, mode } = Deno.statSync(path);
      if (isFile && ((mode ?? 0) & 0o111) !== 0) return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** The names in these folders that a pattern matches, each once. */
export function toolNames(folders: readonly string[], pattern: RegExp): string[] {
  const names = new Set<string>();
  for (const folder of folders) {
    try {
      for (const { name } of Deno.readDirSync(folder)) if (pattern.test(name)) names.add(name);
    } catch {
      // There is no such folder.
    }
  }
  return [...names].sort();
}

export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program leaves behind; code 127 where it cannot be started. */
export function runTool(argv: readonly string[]): ToolResult {
  try {
    const { code, stdout, stderr } = new Deno.Command(argv[0], {
      args: argv.slice(1),
      clearEnv: true,
      env: toolEnvironment(),
      stdin: "null",
    }).outputSync();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { code: 127, stdout: "", stderr: `${argv[0]} cannot be started: ${why}` };
  }
}

/** Runs a program and hands each line of its output over as it comes; its exit code. */
export async function followTool(
  argv: readonly string[],
  take: (line: string) => void,
): Promise<number> {
  const child = new Deno.Command(argv[0], {
    args: argv.slice(1),
    clearEnv: true,
    env: toolEnvironment(),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await Promise.all([child.stdout, child.stderr].map((stream) => eachLine(stream, take)));
  return (await child.status).code;
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.forEach(take);
  }
  if (rest !== "") take(rest);
}

/** Nothing of the user's: ARCH, MAKEFLAGS or KBUILD_… would steer the build, a locale the messages. */
function toolEnvironment(): Record<string, string> {
  return { PATH: toolFolders().join(":"), LC_ALL: "C", HOME: "/root" };
}
