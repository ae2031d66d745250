/**
 * bpf(2): maps, programs, links and pins (linux/bpf.h, kernel/bpf/syscall.c). Descriptors are plain
 * numbers; whoever gets one closes it. A failed call throws `SystemError`.
 */
import { addressOf, cString, lastErrno, systemCall } from "./libc.ts";
import { SystemError } from "./library.ts";

const NR_BPF: Readonly<Record<string, number>> = { x86_64: 321, aarch64: 280 };

const BPF_MAP_CREATE = 0;
const BPF_MAP_LOOKUP_ELEM = 1;
const BPF_MAP_UPDATE_ELEM = 2;
const BPF_PROG_LOAD = 5;
const BPF_OBJ_PIN = 6;
const BPF_OBJ_GET = 7;
const BPF_PROG_TEST_RUN = 10;
const BPF_OBJ_GET_INFO_BY_FD = 15;
const BPF_MAP_FREEZE = 22;
const BPF_LINK_CREATE = 28;
const BPF_LINK_UPDATE = 29;

export const BPF_MAP_TYPE_ARRAY = 2;
export const BPF_F_RDONLY_PROG = 1 << 7;
export const BPF_PROG_TYPE_SCHED_CLS = 3;
export const BPF_PROG_TYPE_XDP = 6;
/** Where a link attaches (enum bpf_attach_type). */
export const BPF_XDP = 37;
export const BPF_TCX_INGRESS = 46;
export const BPF_TCX_EGRESS = 47;
/** Only in the driver, never on the generic path (linux/if_link.h). */
export const XDP_FLAGS_DRV_MODE = 4;

/** Length of the attribute block: a kernel that knows fewer fields accepts zeros behind its own. */
const attributeBytes = 152;

const EAGAIN = 11;
const E2BIG = 7;
const ENOSPC = 28;

type Field = readonly [offset: number, value: number | bigint | ArrayBufferView<ArrayBuffer>];

/**
 * One call; an array stands for its address (a pointer field of 64 bits). The arrays stay alive in
 * `fields` until the call has returned.
 */
function call(operation: string, command: number, fields: readonly Field[]): number {
  const block = attributes(fields);
  const result = raw(command, block);
  if (result < 0) throw new SystemError(operation, lastErrno());
  return result;
}

function raw(command: number, block: Uint8Array<ArrayBuffer>): number {
  return systemCall(NR_BPF[Deno.build.arch] ?? -1, command, block);
}

function attributes(fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(attributeBytes);
  const view = new DataView(block.buffer);
  for (const [offset, value] of fields) {
    if (typeof value === "number") view.setUint32(offset, value, true);
    else if (typeof value === "bigint") view.setBigUint64(offset, value, true);
    else if (value.byteLength > 0) view.setBigUint64(offset, addressOf(value), true);
  }
  return block;
}

/** Names in the kernel have 15 bytes of letters, digits, `_` and `.`. */
function writeName(block: Uint8Array<ArrayBuffer>, offset: number, name: string): void {
  block.set(new TextEncoder().encode(name.slice(0, 15)), offset);
}

// ---- maps

export interface MapShape {
  readonly name: string;
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entries: number;
  readonly flags: number;
}

/** BPF_MAP_CREATE: the new map's descriptor. */
export function createMap(map: MapShape): number {
  const block = attributes([
    [0, map.type],
    [4, map.keyBytes],
    [8, map.valueBytes],
    [12, map.entries],
    [16, map.flags],
  ]);
  writeName(block, 28, map.name);
  const fd = raw(BPF_MAP_CREATE, block);
  if (fd < 0) throw new SystemError(`create BPF map ${map.name}`, lastErrno());
  return fd;
}

/** BPF_MAP_FREEZE: user space cannot change it from now on, and the verifier may rely on it. */
export function freezeMap(fd: number): void {
  call("freeze BPF map", BPF_MAP_FREEZE, [[0, fd]]);
}

/** BPF_MAP_UPDATE_ELEM. */
export function updateElement(
  fd: number,
  key: Uint8Array<ArrayBuffer>,
  value: Uint8Array<ArrayBuffer>,
): void {
  call("update BPF map", BPF_MAP_UPDATE_ELEM, [[0, fd], [8, key], [16, value]]);
}

/**
 * BPF_MAP_LOOKUP_ELEM; of a per-CPU map, the values of all possible CPUs one behind the other, each
 * in a multiple of 8 bytes.
 */
export function lookupElement(
  fd: number,
  key: Uint8Array<ArrayBuffer>,
  valueBytes: number,
): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(valueBytes);
  call("look up in BPF map", BPF_MAP_LOOKUP_ELEM, [[0, fd], [8, key], [16, value]]);
  return value;
}

// ---- programs

export interface ProgramCode {
  readonly name: string;
  /** BPF_PROG_TYPE_XDP or BPF_PROG_TYPE_SCHED_CLS. */
  readonly type: number;
  /** 8 bytes each, with map descriptors in place. */
  readonly instructions: Uint8Array<ArrayBuffer>;
}

/** Room for what the verifier says of a program that it refuses; it keeps the end. */
const logBytes = 1 << 20;
/** The lines of the verifier's last words that go into the error. */
const logLines = 12;

/** BPF_PROG_LOAD: the program's descriptor. The verifier's reason is part of the error. */
export function loadProgram(program: ProgramCode): number {
  const license = cString("GPL");
  const load = (log: Uint8Array<ArrayBuffer> | null): number => {
    const block = attributes([
      [0, program.type],
      [4, program.instructions.length / 8],
      [8, program.instructions],
      [16, license],
      [24, log ? 1 : 0],
      [28, log ? log.length : 0],
      [32, log ?? 0n],
      [68, program.type === BPF_PROG_TYPE_XDP ? BPF_XDP : 0],
    ]);
    writeName(block, 48, program.name);
    // The verifier gives up with EAGAIN when a signal comes in between.
    for (let attempt = 0;; attempt++) {
      const fd = raw(BPF_PROG_LOAD, block);
      if (fd >= 0 || lastErrno() !== EAGAIN || attempt === 5) return fd;
    }
  };
  const fd = load(null);
  if (fd >= 0) return fd;
  const errno = lastErrno();
  const operation = `load BPF program ${program.name}`;
  if (errno !== 22 && errno !== 13 && errno !== E2BIG) throw new SystemError(operation, errno);
  const log = new Uint8Array(logBytes);
  const again = load(log);
  if (again >= 0) return again;
  const said = new TextDecoder().decode(log.subarray(0, log.indexOf(0))).trim();
  const plain = new SystemError(operation, errno);
  if (said === "") throw plain;
  const last = said.split("\n").slice(-logLines).join("\n");
  throw new SystemError(operation, errno, `${plain.message.slice(operation.length + 2)}\n${last}`);
}

export interface TestRun {
  /** What the program returned, such as XDP_DROP (1). */
  readonly result: number;
  /** Mean duration of one run. */
  readonly nanoseconds: number;
  /** The frame as the program left it. */
  readonly frame: Uint8Array<ArrayBuffer>;
}

/**
 * BPF_PROG_TEST_RUN: runs a program on a frame (at least 14 bytes), `repeat` times. `context` is a
 * struct __sk_buff for a tc program, which is written back.
 */
export function testRun(
  program: number,
  frame: Uint8Array<ArrayBuffer>,
  repeat = 1,
  context: Uint8Array<ArrayBuffer> = new Uint8Array(0),
): TestRun {
  const out = new Uint8Array(frame.length + 256);
  const block = attributes([
    [0, program],
    [8, frame.length],
    [12, out.length],
    [16, frame],
    [24, out],
    [32, repeat],
    [40, context.length],
    [44, context.length],
    [48, context],
    [56, context],
  ]);
  const result = raw(BPF_PROG_TEST_RUN, block);
  if (result < 0 && lastErrno() !== ENOSPC) throw new SystemError("run BPF program", lastErrno());
  const view = new DataView(block.buffer);
  return {
    result: view.getInt32(4, true),
    nanoseconds: view.getUint32(36, true),
    frame: out.slice(0, view.getUint32(12, true)),
  };
}

const BPF_F_TEST_XDP_LIVE_FRAMES = 2;

/**
 * BPF_PROG_TEST_RUN with live frames: gives an XDP program `count` frames, `batch` at a time, and does
 * with them what it says (XDP_TX, XDP_REDIRECT; XDP_PASS: up the stack as received by loopback). A
 * frame's memory is used again as the last program or receiver left it.
 */
export function injectFrames(
  program: number,
  frame: Uint8Array<ArrayBuffer>,
  count: number,
  batch: number,
): void {
  const context = new Uint8Array(Uint32Array.of(0, frame.length, 0, 0, 0, 0).buffer); // struct xdp_md
  call("inject frames", BPF_PROG_TEST_RUN, [
    [0, program],
    [8, frame.length],
    [16, frame],
    [32, count],
    [40, context.length],
    [48, context],
    [64, BPF_F_TEST_XDP_LIVE_FRAMES],
    [72, batch],
  ]);
}

// ---- links and pins

/** BPF_LINK_CREATE: attaches a program to an interface as long as the link lives. */
export function createLink(
  program: number,
  interfaceIndex: number,
  attachType: number,
  flags = 0,
): number {
  return call("attach BPF program", BPF_LINK_CREATE, [
    [0, program],
    [4, interfaceIndex],
    [8, attachType],
    [12, flags],
  ]);
}

/** BPF_LINK_UPDATE: puts another program in the place of the link's, between two frames. */
export function updateLink(link: number, program: number): void {
  call("replace BPF program", BPF_LINK_UPDATE, [[0, link], [4, program]]);
}

/** The interface that a link of type XDP or TCX is attached to; 0 when that is gone. */
export function linkInterface(link: number): number {
  const info = new Uint8Array(64); // struct bpf_link_info: type, id, prog_id, padding; ifindex at 16
  call("ask for BPF link", BPF_OBJ_GET_INFO_BY_FD, [[0, link], [4, info.length], [8, info]]);
  return new DataView(info.buffer).getUint32(16, true);
}

/** The number of a link's program. */
export function linkProgram(link: number): number {
  const info = new Uint8Array(64); // struct bpf_link_info: type, id, prog_id
  call("ask for BPF link", BPF_OBJ_GET_INFO_BY_FD, [[0, link], [4, info.length], [8, info]]);
  return new DataView(info.buffer).getUint32(8, true);
}

/** BPF_OBJ_PIN: gives a descriptor's object a name in a bpf file system, which keeps it alive. */
export function pinObject(fd: number, path: string): void {
  const name = cString(path);
  call(`pin ${path}`, BPF_OBJ_PIN, [[0, name], [8, fd]]);
}

/** BPF_OBJ_GET: opens what is pinned there. */
export function openPinned(path: string): number {
  const name = cString(path);
  return call(`open ${path}`, BPF_OBJ_GET, [[0, name]]);
}
