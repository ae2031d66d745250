/** Loads packed BPF programs (bpf_object.ts): maps into relocations, then bpf(2). */
import {
  BPF_F_RDONLY_PROG,
  BPF_MAP_TYPE_ARRAY,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_XDP,
  createMap,
  freezeMap,
  loadProgram,
  updateElement,
} from "../../ffi/bpf.ts";
import { close } from "../../ffi/libc.ts";
import { assert } from "../errors.ts";
import { type PackedObject, type PackedProgram, rodataName } from "./bpf_object.ts";

/** Descriptors of the maps that programs share, by name. */
export type Maps = ReadonlyMap<string, number>;

const BPF_PSEUDO_MAP_FD = 1;
const BPF_PSEUDO_MAP_VALUE = 2;
const firstKey = new Uint8Array(4);

/** Makes the maps that programs refer to by name; the caller closes them. */
export function createMaps(object: PackedObject): Map<string, number> {
  const made = new Map<string, number>();
  try {
    for (const map of object.maps) {
      made.set(map.name, createMap({ ...map, name: `avail_${map.name}` }));
    }
  } catch (error) {
    for (const fd of made.values()) close(fd);
    throw error;
  }
  return made;
}

/** A frozen array of one element: the constants of the programs that are loaded with it. */
export function createRodata(content: Uint8Array<ArrayBuffer>): number {
  const fd = createMap({
    name: "avail_share",
    type: BPF_MAP_TYPE_ARRAY,
    keyBytes: 4,
    valueBytes: content.length,
    entries: 1,
    flags: BPF_F_RDONLY_PROG,
  });
  try {
    updateElement(fd, firstKey, content);
    freezeMap(fd);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Loads one program of the object; its descriptor, which the caller closes. */
export function loadPacked(
  object: PackedObject,
  name: string,
  maps: Maps,
  rodata: number,
): number {
  const program = object.programs.find((candidate) => candidate.name === name);
  assert(program !== undefined, `no BPF program ${name}`);
  return loadProgram({
    name,
    type: program.type === "xdp" ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS,
    instructions: relocate(program, maps, rodata),
  });
}

/** The instructions with descriptors in place: linux/bpf.h, BPF_PSEUDO_MAP_FD and …_VALUE. */
function relocate(program: PackedProgram, maps: Maps, rodata: number): Uint8Array<ArrayBuffer> {
  const instructions = Uint8Array.fromBase64(program.instructions);
  const view = new DataView(instructions.buffer);
  for (const { at, map, offset } of program.relocations) {
    const fd = map === rodataName ? rodata : maps.get(map);
    assert(fd !== undefined, `BPF program ${program.name} wants a map ${map}`);
    const source = offset === null ? BPF_PSEUDO_MAP_FD : BPF_PSEUDO_MAP_VALUE;
    view.setUint8(8 * at + 1, view.getUint8(8 * at + 1) & 0x0f | source << 4);
    view.setInt32(8 * at + 4, fd, true);
    view.setInt32(8 * at + 12, offset ?? 0, true);
  }
  return instructions;
}
