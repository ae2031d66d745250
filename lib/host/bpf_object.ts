/**
 * The BPF programs in the form that is shipped: what kmod/bpf/pack.ts made of clang's object at build
 * time, so that loading them needs neither an ELF reader nor libbpf.
 */
import { AvailError } from "../errors.ts";
import { carriedFile } from "./program_files.ts";

/** A map that programs refer to by name; sizes in bytes, `type` and `flags` as linux/bpf.h has them. */
export interface PackedMap {
  readonly name: string;
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entries: number;
  readonly flags: number;
}

/** The name of the map that holds the programs' constants; the loader makes it for each share. */
export const rodataName = ".rodata";

/** An instruction pair (ld_imm64) that needs a map. */
export interface PackedRelocation {
  /** Number of the first instruction of the pair. */
  readonly at: number;
  /** A map's name, or `rodataName`. */
  readonly map: string;
  /** Where in the map's first value it points; null: the map itself is meant. */
  readonly offset: number | null;
}

export interface PackedProgram {
  readonly name: string;
  readonly type: "xdp" | "tc";
  /** 8 bytes each, in base64. */
  readonly instructions: string;
  readonly relocations: readonly PackedRelocation[];
}

export interface PackedObject {
  readonly format: 1;
  /** 32 hexadecimal digits: a digest of the instructions and maps, by which builds are told apart. */
  readonly build: string;
  readonly rodataBytes: number;
  readonly maps: readonly PackedMap[];
  readonly programs: readonly PackedProgram[];
}

/** Where `./dev build` puts it, as seen from this file. */
export const packedObjectUrl = new URL("../../build/steer.bpf.json", import.meta.url);

/** Reads the packed programs; an error says how to make them. */
export function readPackedObject(
  from: string | URL = carriedFile("build/steer.bpf.json") ?? packedObjectUrl,
): PackedObject {
  let text: string;
  try {
    text = Deno.readTextFileSync(from);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AvailError(`read the BPF programs: ${why}; build them with ./dev build`, { cause });
  }
  const file = from instanceof URL ? from.pathname : from;
  const again = "build them again with ./dev build";
  let object: PackedObject;
  try {
    object = JSON.parse(text);
  } catch (cause) {
    throw new AvailError(`read the BPF programs: ${file} is damaged; ${again}`, { cause });
  }
  if (object.format !== 1) {
    throw new AvailError(
      `read the BPF programs: format ${object.format} in ${file}, not 1; ${again}`,
    );
  }
  return object;
}
