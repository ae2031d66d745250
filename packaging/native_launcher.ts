/** Compiles the launcher: static, so that it starts on any Linux of this architecture. */
import { run } from "./command.ts";

const folder = new URL("launcher/", import.meta.url).pathname;

const warnings = [
  ...["-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes"],
  ...["-Wvla", "-Wformat=2", "-Wcast-qual", "-Wconversion", "-Werror"],
];

const hardening = [
  ...["-static-pie", "-fPIE", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"],
  ...["-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack"],
];

/** Without paths, times and what no function of it needs. */
const small = [
  ...["-O2", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-s"],
  ...[`-ffile-prefix-map=${folder}=`, "-Wl,--build-id=none"],
];

/** Instead of both, for tests that look for its mistakes. */
const sanitized = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/** @param defines For tests, such as `LOCK_WAIT_MS=100`. */
export async function compileLauncher(
  output: string,
  { defines = [], isSanitized = false }: {
    readonly defines?: readonly string[];
    readonly isSanitized?: boolean;
  } = {},
): Promise<void> {
  const sources = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".c")).sort();
  const args = [
    ...["-std=gnu11", ...warnings, ...(isSanitized ? sanitized : [...hardening, ...small])],
    ...defines.map((define) => `-D${define}`),
    ...[...sources.map((name) => folder + name), "-lzstd", "-o", output],
  ];
  await run(Deno.env.get("CC") ?? "gcc", args);
}
