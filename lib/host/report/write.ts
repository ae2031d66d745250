/** Puts a report where it is wanted: in a new file that only its owner can read, at once or not at all. */
import { AvailError, exitCodes } from "../../errors.ts";

/** Packs with gzip (RFC 1952), which every machine can unpack. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** Throws `AvailError` where a file is in the way, before the work is done. */
export async function requireFree(file: string): Promise<void> {
  let found: Deno.FileInfo;
  const slash = file.lastIndexOf("/");
  try {
    await Deno.stat(slash < 0 ? "." : file.slice(0, slash + 1));
  } catch {
    throw wrongPlace(`${file}: there is no such folder`);
  }
  try {
    found = await Deno.lstat(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw wrongPlace(`${file}: ${messageOf(error)}`);
  }
  const what = found.isDirectory ? "is a folder" : "is there already";
  throw wrongPlace(`${file}: ${what}`);
}

/** Writes a file that is not there yet, mode 0600. */
export async function writeNewFile(file: string, bytes: Uint8Array): Promise<void> {
  await requireFree(file);
  const slash = file.lastIndexOf("/");
  const beside = `${file.slice(0, slash + 1)}.${crypto.randomUUID()}.part`;
  try {
    await Deno.writeFile(beside, bytes, { createNew: true, mode: 0o600 });
    await Deno.rename(beside, file);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw new AvailError(
      `report: writing ${file}: ${messageOf(error)}; choose another place with --output`,
      { cause: error },
    );
  }
}

function wrongPlace(problem: string): AvailError {
  return new AvailError(`report: ${problem}; name another file with --output`, {
    exitCode: exitCodes.usage,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
