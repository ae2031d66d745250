/** Which compiler a kernel was built with, and what a compiler says that it is. Pure. */

export interface Compiler {
  readonly name: "gcc" | "clang";
  readonly major: number;
}

/** From the kernel's configuration, else from what it says of itself (/proc/version). */
export function compilerOfKernel(
  config: string | null,
  procVersion: string | null,
): Compiler | null {
  // CONFIG_GCC_VERSION=120200 is 12.2.0; 0: the other one (scripts/cc-version.sh).
  for (const [name, key] of [["gcc", "GCC"], ["clang", "CLANG"]] as const) {
    const version = Number(
      new RegExp(`^CONFIG_${key}_VERSION=(\\d+)$`, "m").exec(config ?? "")?.[1],
    );
    if (version > 0) return { name, major: Math.floor(version / 10000) };
  }
  return procVersion === null ? null : compilerInWords(procVersion);
}

/**
 * From a banner: `gcc-12 (Debian 12.2.0-14) 12.2.0`, `gcc version 9.4.0 (Ubuntu …)`,
 * `Debian clang version 14.0.6`, `gcc (GCC) 15.3.0`.
 */
export function compilerInWords(text: string): Compiler | null {
  const clang = /\bclang version (\d+)\./.exec(text);
  if (clang) return { name: "clang", major: Number(clang[1]) };
  const gcc = /\bgcc version (\d+)\./.exec(text) ??
    /\bgcc(?:-\d+)?(?:\.\w+)? \((?:[^()]|\([^()]*\))*\) (\d+)\./.exec(text);
  return gcc && { name: "gcc", major: Number(gcc[1]) };
}

export function describeCompiler({ name, major }: Compiler): string {
  return `${name} ${major}`;
}
