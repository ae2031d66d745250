/**
 * The source of the kernel module in the form that is shipped: what kmod/clusterdev/pack.ts gathered at
 * build time, all files flat in one folder, as Kbuild and DKMS want them.
 */
import { AvailError } from "../../errors.ts";
import { carriedFile } from "../program_files.ts";

export interface PackedSource {
  readonly format: 1;
  /** The project's version and the digest's first 8 digits: MODULE_VERSION and DKMS's version. */
  readonly version: string;
  /** SHA-256 of the files' names and texts before the version was written into them, in hexadecimal. */
  readonly digest: string;
  /** Text by file name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Where `./dev build` puts it, as seen from this file. */
export const packedSourceUrl = new URL("../../../build/clusterdev.json", import.meta.url);

/** Reads the packed source; throws `AvailError` that says how to make it. */
export function readPackedSource(
  from: string | URL = carriedFile("build/clusterdev.json") ?? packedSourceUrl,
): PackedSource {
  const file = from instanceof URL ? from.pathname : from;
  let text: string;
  try {
    text = Deno.readTextFileSync(from);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AvailError(`read the module's source: ${why}; pack it with ./dev build`, { cause });
  }
  const again = "pack it again with ./dev build";
  let source: PackedSource;
  try {
    source = JSON.parse(text);
  } catch (cause) {
    throw new AvailError(`read the module's source: ${file} is damaged; ${again}`, { cause });
  }
  if (source.format !== 1) {
    throw new AvailError(
      `read the module's source: format ${source.format} in ${file}, not 1; ${again}`,
    );
  }
  return source;
}

/**
 * Writes the files into a folder, which is replaced whole: whoever builds there meanwhile finds the old
 * source or the new one.
 */
export function unpackSource(source: PackedSource, folder: string): void {
  const fresh = `${folder}.new`;
  removeAll(fresh);
  Deno.mkdirSync(fresh, { recursive: true });
  for (const [name, text] of Object.entries(source.files)) {
    Deno.writeTextFileSync(`${fresh}/${name}`, text);
  }
  removeAll(folder);
  Deno.renameSync(fresh, folder);
}

/** Removes a file, or a folder with all that is in it; it need not be there. */
export function removeAll(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
