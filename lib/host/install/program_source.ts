/** The executable that `avail install` copies: this very program, or what a checkout has built. */
import { AvailError } from "../../errors.ts";
import { executable } from "../program_files.ts";

/** What `./dev build` makes. */
const builtFile = new URL("../../../dist/avail", import.meta.url).pathname;

/** Absolute path of the one file that avail is distributed as. Throws `AvailError` where there is none. */
export function programToInstall(built = builtFile): string {
  const own = executable();
  if (own !== null) return own;
  if (isFile(built)) return built;
  throw new AvailError(
    `install: this program runs from its source, and ${built} is not there; ` +
      "build it first: ./dev build",
  );
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
