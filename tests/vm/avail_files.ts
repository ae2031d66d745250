/** The program itself in the guest: its sources, the runtime, and the packages that it imports. */
import { root } from "./cache.ts";

/** By their paths in the guest; there it is run as `DENO_DIR=/deno deno run -A --cached-only …`. */
export function availFiles(): Record<string, string> {
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  const own = ["cli", "lib", "ffi", "build", "deno.json", "deno.lock"];
  return {
    ...Object.fromEntries(own.map((name) => [`/avail/${name}`, `${root}${name}`])),
    "/usr/bin/deno": Deno.execPath(),
    "/deno/npm": `${cache}/npm`,
  };
}
