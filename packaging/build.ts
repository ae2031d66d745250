/**
 * Builds dist/avail, the one file: `./dev build [--launcher | --compile] [--out DIR] [--cache DIR]`.
 * Beside it go its SHA-256 (SHA256SUMS) and a list of what is in it (avail.cdx.json).
 */
import { parseArgs } from "node:util";
import { version } from "../lib/version.ts";
import { compileFile, denortAtHand } from "./compiled_file.ts";
import { gatherContents } from "./contents.ts";
import { hex, sha256 } from "./digest.ts";
import { compileLauncher } from "./native_launcher.ts";
import { packageFile } from "./package_file.ts";

const root = new URL("../", import.meta.url).pathname;

/** design goal; what is larger is hardly copied over a serial console or a slow line. */
const bytesMax = 40e6;

export interface BuildOptions {
  readonly how: "launcher" | "compile";
  /** Folder for the results; made if it is not there. */
  readonly out: string;
  /** Folder of what compressing the runtime has given. */
  readonly cache: string;
}

/** Writes `avail`, `SHA256SUMS` and `avail.cdx.json`; how large `avail` is. */
export async function buildOneFile({ how, out, cache }: BuildOptions): Promise<number> {
  await Deno.mkdir(out, { recursive: true });
  // Beside its place, so that it gets there by a renaming.
  const scratch = await Deno.makeTempDir({ dir: out, prefix: ".build-" });
  try {
    const { files, sbom } = await gatherContents(scratch);
    let content: Uint8Array;
    if (how === "compile") {
      content = await compileFile(files, scratch);
    } else {
      await compileLauncher(`${scratch}/launcher`);
      const launcher = await Deno.readFile(`${scratch}/launcher`);
      content = await packageFile(launcher, files, version, cache);
    }
    const document = new TextEncoder().encode(JSON.stringify(sbom, null, 2) + "\n");
    const results = [["avail", content, 0o755], ["avail.cdx.json", document, 0o644]] as const;
    for (const [name, bytes, mode] of results) {
      await Deno.writeFile(`${scratch}/result`, bytes);
      await Deno.chmod(`${scratch}/result`, mode);
      await Deno.rename(`${scratch}/result`, `${out}/${name}`);
    }
    const sums = results.map(([name, bytes]) => `${hex(sha256(bytes))}  ${name}\n`);
    await Deno.writeTextFile(`${out}/SHA256SUMS`, sums.join(""));
    return content.length;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      launcher: { type: "boolean", default: false },
      compile: { type: "boolean", default: false },
      out: { type: "string", default: `${root}dist` },
      cache: { type: "string", default: `${root}.cache/build` },
    },
  });
  const { out, cache } = values;
  const denort = denortAtHand((name) => Deno.env.get(name), Deno.version.deno);
  const isCompiled = values.compile || (denort !== null && !values.launcher);
  const bytes = await buildOneFile({ how: isCompiled ? "compile" : "launcher", out, cache });
  const way = isCompiled ? `deno compile, ${denort ?? "denort downloaded"}` : "launcher and deno";
  console.log(`${out}/avail: ${(bytes / 1e6).toFixed(1)} MB (${way})`);
  if (bytes <= bytesMax) return 0;
  console.error(
    `build: ${out}/avail has more than ${bytesMax / 1e6} MB; --launcher makes it smaller`,
  );
  return 1;
}

if (import.meta.main) Deno.exit(await main());
