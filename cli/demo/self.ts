/** How this program was started, to start it again: from source, bundled, or as one executable. */
import { executable } from "../../lib/host/program_files.ts";

/** The command (argv) that runs `avail`; append a subcommand and its arguments. */
export function selfCommand(): string[] {
  const file = executable();
  if (file !== null) return [file];
  const main = isSource() ? new URL("../main.ts", import.meta.url).href : Deno.mainModule;
  return [Deno.execPath(), "run", "-A", main];
}

/** The command that runs the lab's traffic (`traffic_process.ts`); append its role. */
export function trafficCommand(): string[] {
  if (executable() !== null || !isSource()) return [...selfCommand(), "demo", "--traffic"];
  const module = new URL("./traffic_process.ts", import.meta.url).href;
  return [Deno.execPath(), "run", "-A", module];
}

function isSource(): boolean {
  return import.meta.url.endsWith(".ts");
}
