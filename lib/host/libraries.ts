/** The C libraries that avail works through, as this machine has them. */
import { openLibrary } from "../../ffi/library.ts";
import { AvailError } from "../errors.ts";
import { carriedFile } from "./program_files.ts";

const sonames = {
  "libc.so.6": "libc6",
  "libmnl.so.0": "libmnl0",
  "libnetfilter_conntrack.so.3": "libnetfilter-conntrack3",
} as const;

type Soname = keyof typeof sonames;

/** Opens what the daemon cannot do without; throws `AvailError` that names the missing package. */
export function requireLibraries(): void {
  for (const soname of ["libc.so.6", "libmnl.so.0"] as const) {
    try {
      openLibrary(soname, {}, sonames[soname]).close();
    } catch (cause) {
      throw new AvailError(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}

/**
 * Of each soname the file that it is, such as `/usr/lib/…/libmnl.so.0.2.0`, or the one that this program
 * carries; null where it is missing.
 */
export function libraries(): Record<Soname, string | null> {
  return {
    "libc.so.6": mappedFile("libc.so.6"),
    "libmnl.so.0": mappedFile("libmnl.so.0"),
    "libnetfilter_conntrack.so.3": mappedFile("libnetfilter_conntrack.so.3"),
  };
}

/** What the dynamic linker made of a soname; only it knows where it looked. */
function mappedFile(soname: Soname): string | null {
  const carried = carriedFile(`libraries/${soname}`);
  if (carried !== null) return carried;
  try {
    const library = openLibrary(soname, {}, sonames[soname]);
    const stem = soname.slice(0, soname.indexOf(".so"));
    const maps = Deno.readTextFileSync("/proc/self/maps");
    library.close();
    return maps.split("\n").map((line) => line.slice(line.indexOf("/")))
      .find((path) => path.includes(`/${stem}.so`) || path.includes(`/${stem}-`)) ?? null;
  } catch {
    return null;
  }
}
