/** The core's thread in the one file: as lib/host/core_worker.ts, with the files that it carries. */
import "../../lib/host/core_worker.ts";
import { useCarriedFiles } from "../../lib/host/program_files.ts";
import { carried } from "./carried.ts";

useCarriedFiles(carried());
