/** Files in memory, for what must have a path but shall be on no disk. */
import { openLibrary, SystemError } from "./library.ts";

const symbols = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" }, // const char *name, unsigned flags
} as const satisfies Deno.ForeignLibraryInterface;

let opened: Deno.DynamicLibrary<typeof symbols>["symbols"] | undefined;

/** A file with this content; its path is good in this process, until the process ends. */
export function memoryFile(name: string, content: Uint8Array): string {
  opened ??= openLibrary("libc.so.6", symbols, "libc6").symbols;
  const fd = opened.memfd_create(new TextEncoder().encode(`${name}\0`), 1); // MFD_CLOEXEC
  if (fd < 0) throw new SystemError("memfd_create", 0, "there is no memory, or it is forbidden");
  const path = `/proc/self/fd/${fd}`;
  Deno.writeFileSync(path, content, { create: false });
  return path;
}
