/** The programs that checks run: told at the start, and not by a check that fails for ever. */
import type { Config } from "../config.ts";

export interface ProgramFault {
  /** The key's path, such as `check[0].command[0]`. */
  readonly where: string;
  readonly problem: string;
  readonly remedy: string;
}

/** What is wrong with the programs of a configuration's checks, as far as their files show it. */
export async function programFaults({ checks }: Pick<Config, "checks">): Promise<ProgramFault[]> {
  const found = await Promise.all(checks.map(async ({ probe }, i) => {
    if (probe.kind !== "command") return [];
    const wrong = await wrongWith(probe.argv[0]);
    return wrong === null ? [] : [{ where: `check[${i}].command[0]`, ...wrong }];
  }));
  return found.flat();
}

async function wrongWith(program: string): Promise<Omit<ProgramFault, "where"> | null> {
  const named = `"${program}"`;
  try {
    const { isFile, mode } = await Deno.stat(program);
    if (!isFile) return { problem: `${named}: is no file`, remedy: "name a program" };
    if (((mode ?? 0) & 0o111) !== 0) return null;
    return { problem: `${named}: is not executable`, remedy: `run: chmod +x ${program}` };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { problem: `${named}: there is no such file`, remedy: "name a program that is there" };
  }
}
