/** The one file's program: as cli/main.ts, with the files that it carries. */
import { main } from "../../cli/main.ts";
import { useCarriedFiles } from "../../lib/host/program_files.ts";
import { carried } from "./carried.ts";

useCarriedFiles(carried());
Deno.exit(await main(Deno.args));
