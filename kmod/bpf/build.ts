/**
 * Builds the BPF programs: `deno run -A kmod/bpf/build.ts`.
 * clang makes build/steer.bpf.o, and pack.ts makes build/steer.bpf.json of it.
 */
import { pack } from "./pack.ts";

/** Compiles `source` for BPF, or throws with the compiler's words. */
export function compile(source: string, object: string): void {
  const clang = new Deno.Command(Deno.env.get("CLANG") ?? "clang", {
    args: [
      ...["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Wextra", "-Werror"],
      ...[`-I/usr/include/${Deno.build.arch}-linux-gnu`, "-c", source, "-o", object],
    ],
    stderr: "piped",
  });
  let result: Deno.CommandOutput;
  try {
    result = clang.outputSync();
  } catch (cause) {
    throw new Error("run clang: not found (Debian package clang)", { cause });
  }
  if (!result.success) throw new Error(new TextDecoder().decode(result.stderr));
}

if (import.meta.main) {
  const here = import.meta.dirname!;
  const build = `${here}/../../build`;
  Deno.mkdirSync(build, { recursive: true });
  compile(`${here}/steer.bpf.c`, `${build}/steer.bpf.o`);
  const packed = JSON.stringify(pack(Deno.readFileSync(`${build}/steer.bpf.o`)));
  // Replaced whole, so that a program that starts meanwhile reads the old one or the new one.
  Deno.writeTextFileSync(`${build}/steer.bpf.json.new`, packed);
  Deno.renameSync(`${build}/steer.bpf.json.new`, `${build}/steer.bpf.json`);
}
