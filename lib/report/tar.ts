/**
 * A tar archive in the format of POSIX.1-1988 (ustar), which every tar reads: for each file a header of
 * 512 bytes and its content, filled up to whole blocks; two empty blocks end it.
 */

export interface TarFile {
  /** At most 100 bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const blockBytes = 512;
const nameBytesMax = 100;

/** @param time Seconds since 1970, for all files. */
export function tarOf(files: readonly TarFile[], time: number): Uint8Array<ArrayBuffer> {
  const blocks = (bytes: number) => Math.ceil(bytes / blockBytes) * blockBytes;
  const sizes = files.map(({ bytes }) => blockBytes + blocks(bytes.length));
  const archive = new Uint8Array(sizes.reduce((sum, size) => sum + size, 2 * blockBytes));
  let at = 0;
  for (const [i, file] of files.entries()) {
    archive.set(headerOf(file, time), at);
    archive.set(file.bytes, at + blockBytes);
    at += sizes[i];
  }
  return archive;
}

function headerOf({ name, bytes }: TarFile, time: number): Uint8Array {
  const header = new Uint8Array(blockBytes);
  const put = (text: string, at: number) => header.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0") + "\0";
  if (new TextEncoder().encode(name).length > nameBytesMax) {
    throw new RangeError(`tar: ${name}: names have ${nameBytesMax} bytes at most`);
  }
  put(name, 0);
  put(octal(0o600, 7), 100); // mode
  put(octal(0, 7), 108); // uid
  put(octal(0, 7), 116); // gid
  put(octal(bytes.length, 11), 124);
  put(octal(Math.floor(time), 11), 136);
  put("        ", 148); // the checksum counts as blanks
  put("0", 156); // a regular file
  put("ustar\x0000", 257);
  put("root", 265);
  put("root", 297);
  const sum = header.reduce((sum, byte) => sum + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
