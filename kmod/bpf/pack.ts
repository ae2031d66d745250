/**
 * From clang's object file (ELF, 64-bit, little-endian) to what lib/host/bpf_object.ts loads.
 *
 * The programs are written for it: each in a section of its own (`xdp` or `tc/…`), no calls between
 * functions, maps as plain numbers in the section `maps` (struct avail_map), what user space maps as
 * variables in the section `shared`, constants in `.rodata`.
 * Whatever else a program refers to is refused here, and not left to the verifier.
 */
import { createHash } from "node:crypto";
import {
  type PackedMap,
  type PackedObject,
  type PackedProgram,
  type PackedRelocation,
  rodataName,
} from "../../lib/host/bpf_object.ts";

/** An object file that the packer does not understand. */
export class PackError extends Error {
  override readonly name = "PackError";
}

const SHT_SYMTAB = 2;
const SHT_REL = 9;
const STT_FUNC = 2;
const R_BPF_64_64 = 1;
const LD_IMM64 = 0x18;
const mapBytes = 20; // struct avail_map
const BPF_MAP_TYPE_ARRAY = 2;
const BPF_F_MMAPABLE = 1 << 10;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly at: number;
  readonly bytes: number;
  readonly info: number;
  readonly link: number;
}

interface Symbol {
  readonly name: string;
  readonly type: number;
  readonly section: number;
  readonly value: number;
  readonly bytes: number;
}

/** Packs an object file; throws `PackError`. */
export function pack(file: Uint8Array<ArrayBuffer>): PackedObject {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const sections = readSections(view);
  const symbols = readSymbols(view, sections);
  const find = (name: string) => sections.findIndex((section) => section.name === name);
  const mapSection = find("maps"), sharedSection = find("shared"), rodataSection = find(rodataName);
  const namedIn = (section: number) =>
    symbols.filter((symbol) => symbol.section === section && symbol.name !== "");

  const maps = [
    ...namedIn(mapSection).map((symbol) =>
      readMap(view, sections[mapSection].at + symbol.value, symbol.name)
    ),
    ...namedIn(sharedSection).map(sharedMap),
  ];

  const relocationsOf = (index: number): PackedRelocation[] => {
    const table = sections.find((s) => s.type === SHT_REL && s.info === index);
    if (!table) return [];
    return Array.from({ length: table.bytes / 16 }, (_, i) => {
      const offset = Number(view.getBigUint64(table.at + 16 * i, true));
      const info = view.getBigUint64(table.at + 16 * i + 8, true);
      const symbol = symbols[Number(info >> 32n)];
      const place = sections[index].at + offset;
      const from = `${sections[index].name}+${offset}`;
      if (Number(info & 0xffffffffn) !== R_BPF_64_64 || view.getUint8(place) !== LD_IMM64) {
        throw new PackError(`${from}: refers to ${symbol.name}, which is no variable`);
      }
      const at = offset / 8, added = view.getInt32(place + 4, true);
      switch (symbol.section) {
        case mapSection:
          return { at, map: symbol.name, offset: null };
        case sharedSection:
          return { at, map: symbol.name, offset: added };
        case rodataSection:
          return { at, map: rodataName, offset: symbol.value + added };
        default:
          throw new PackError(`${from}: ${symbol.name} is neither a map, nor shared, nor constant`);
      }
    });
  };

  const programs = symbols.filter((symbol) => symbol.type === STT_FUNC).map((symbol) => {
    const section = sections[symbol.section];
    const type = section.name.split("/")[0];
    if (type !== "xdp" && type !== "tc" || symbol.value !== 0) {
      throw new PackError(`${symbol.name}: in section ${section.name}, not in an own xdp or tc/…`);
    }
    const code = file.subarray(section.at, section.at + section.bytes);
    return {
      name: symbol.name,
      type,
      instructions: code.toBase64(),
      relocations: relocationsOf(symbol.section),
    } satisfies PackedProgram;
  });
  if (programs.length === 0) throw new PackError("no program in it");

  const content = { rodataBytes: sections[rodataSection]?.bytes ?? 0, maps, programs };
  const build = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 32);
  return { format: 1, build, ...content };
}

/** A variable that user space maps becomes an array of one element, by the variable's name. */
function sharedMap({ name, bytes }: Symbol): PackedMap {
  return {
    name,
    type: BPF_MAP_TYPE_ARRAY,
    keyBytes: 4,
    valueBytes: bytes,
    entries: 1,
    flags: BPF_F_MMAPABLE,
  };
}

function readMap(view: DataView, at: number, name: string): PackedMap {
  if (at + mapBytes > view.byteLength) throw new PackError(`map ${name}: cut short`);
  const [type, keyBytes, valueBytes, entries, flags] = [0, 4, 8, 12, 16].map((offset) =>
    view.getUint32(at + offset, true)
  );
  return { name, type, keyBytes, valueBytes, entries, flags };
}

/** ELF64 section headers: 64 bytes each. */
function readSections(view: DataView): Section[] {
  if (view.byteLength < 64 || view.getUint32(0) !== 0x7f454c46 || view.getUint16(4) !== 0x0201) {
    throw new PackError("not a 64-bit little-endian ELF file");
  }
  const table = Number(view.getBigUint64(40, true)); // e_shoff
  const count = view.getUint16(60, true); // e_shnum
  const raw = Array.from({ length: count }, (_, i) => {
    const at = table + 64 * i;
    return {
      nameAt: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      at: Number(view.getBigUint64(at + 24, true)),
      bytes: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
    };
  });
  const names = raw[view.getUint16(62, true)].at; // e_shstrndx
  return raw.map(({ nameAt, ...rest }) => ({ ...rest, name: text(view, names + nameAt) }));
}

/** ELF64 symbols: 24 bytes each. */
function readSymbols(view: DataView, sections: readonly Section[]): Symbol[] {
  const table = sections.find((section) => section.type === SHT_SYMTAB);
  if (!table) throw new PackError("no symbols in it");
  const names = sections[table.link].at;
  return Array.from({ length: table.bytes / 24 }, (_, i) => {
    const at = table.at + 24 * i;
    return {
      name: text(view, names + view.getUint32(at, true)),
      type: view.getUint8(at + 4) & 15,
      section: view.getUint16(at + 6, true),
      value: Number(view.getBigUint64(at + 8, true)),
      bytes: Number(view.getBigUint64(at + 16, true)),
    };
  });
}

function text(view: DataView, at: number): string {
  let end = at;
  while (end < view.byteLength && view.getUint8(end) !== 0) end++;
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, end - at));
}
