/**
 * The C library: sockets, polling, clocks, mappings and the few system calls that Deno has no word for.
 *
 * Calls are synchronous unless their name says otherwise. A failed call throws `SystemError`; calls
 * that may have nothing to give (`receive`, `receiveMany`) return null instead of throwing EAGAIN.
 */
import { SystemError } from "./library.ts";

/** Numbers from the kernel's uapi headers for x86-64, under their kernel names. */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_PACKET = 17;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0x800;
export const SOCK_CLOEXEC = 0x80000;
export const SOL_SOCKET = 1;
export const SO_RCVBUF = 8;
export const SO_ATTACH_FILTER = 26;
export const SO_TIMESTAMPNS = 35;
export const SO_RCVBUFFORCE = 33;
export const SOL_NETLINK = 270;
export const SOL_PACKET = 263;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const POLLIN = 1;
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_BOOTTIME = 7;
export const EINTR = 4;
export const EAGAIN = 11;
export const ENOBUFS = 105;

const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" }, // int domain, int type, int protocol
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" }, // …, int sv[2]
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" }, // int fd, const struct sockaddr *, socklen_t
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" }, // int fd, int level, int name, const void *, socklen_t
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" }, // int fd, int level, int name, void *, socklen_t *
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" }, // int fd, const void *, size_t, int flags
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" }, // …, const struct sockaddr *, socklen_t
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" }, // int fd, void *, size_t, int flags
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "pointer"], result: "i32" }, // int fd, struct mmsghdr *, unsigned n, int flags, struct timespec *
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" }, // struct pollfd *, nfds_t, int timeout (ms)
  pollAsync: {
    name: "poll",
    parameters: ["buffer", "u64", "i32"],
    result: "i32",
    nonblocking: true,
  },
  sendAsync: {
    name: "send",
    parameters: ["i32", "buffer", "usize", "i32"],
    result: "isize",
    nonblocking: true,
  },
  recvAsync: {
    name: "recv",
    parameters: ["i32", "buffer", "usize", "i32"],
    result: "isize",
    nonblocking: true,
  },
  open: { parameters: ["buffer", "i32"], result: "i32" }, // const char *path, int flags
  close: { parameters: ["i32"], result: "i32" }, // int fd
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" }, // int fd, void *, size_t, off_t
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" }, // clockid_t, struct timespec *
  clock_getres: { parameters: ["i32", "buffer"], result: "i32" }, // clockid_t, struct timespec *
  adjtimex: { parameters: ["buffer"], result: "i32" }, // struct timex *
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" }, // void *, size_t, int prot, int flags, int fd, off_t
  munmap: { parameters: ["pointer", "usize"], result: "i32" }, // void *, size_t
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "pointer"], result: "i32" }, // source, target, fstype, flags, data
  umount2: { parameters: ["buffer", "i32"], result: "i32" }, // const char *target, int flags
  if_nametoindex: { parameters: ["buffer"], result: "u32" }, // const char *
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" }, // int fd, unsigned long request, void *
  syscall: { parameters: ["i64", "i64", "buffer", "i64"], result: "i64" }, // long number, …: as bpf(2) takes them
  sched_setscheduler: { parameters: ["i32", "i32", "buffer"], result: "i32" }, // pid_t, int policy, const struct sched_param *
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" }, // int which, id_t who, int nice
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" }, // int option, unsigned long, …
  mlock: { parameters: ["usize", "usize"], result: "i32" }, // const void *, size_t
  __errno_location: { parameters: [], result: "pointer" }, // int *
} as const satisfies Deno.ForeignLibraryInterface;

type Libc = Deno.DynamicLibrary<typeof symbols>["symbols"];

let opened: Libc | undefined;
let errnoView: Deno.UnsafePointerView | undefined;

/** The C library is the one library that every process has mapped already; opening it has no effects. */
function libc(): Libc {
  if (opened === undefined) {
    opened = Deno.dlopen("libc.so.6", symbols).symbols;
    // Now, and not after the first failure: finding the place may set what it holds.
    errnoView = new Deno.UnsafePointerView(opened.__errno_location()!);
  }
  return opened;
}

/**
 * errno of this thread's last failed call. Each Worker evaluates this module for itself, so the view
 * belongs to the thread that asks. Between the call and this one the runtime may have made calls of its
 * own that fail: where that must not be taken for the first one's failure, see `withoutData`.
 */
export function lastErrno(): number {
  if (errnoView === undefined) libc();
  return errnoView!.getInt32();
}

/**
 * Makes a call that may have nothing to give now: its result, or null then. An errno that says anything
 * else counts when the call says it twice (recv was once seen to fail with ENOENT, which it cannot). What a
 * socket says only once is lost by that, but for ENOBUFS: that its peer refused, that its interface went.
 *
 * @param isPatient The call waits until there is something: it is not made twice.
 */
function withoutData(
  operation: string,
  call: () => number | bigint,
  isPatient = false,
): number | null {
  for (let isSecond = isPatient;; isSecond = true) {
    const result = Number(call());
    if (result >= 0) return result;
    const errno = lastErrno();
    if (errno === EAGAIN || errno === EINTR) return null;
    if (isSecond || errno === ENOBUFS) throw new SystemError(operation, errno);
  }
}

/** Throws unless a call returned a non-negative number, which it returns. */
function unwrap(operation: string, result: number | bigint): number {
  const value = Number(result);
  if (value < 0) throw new SystemError(operation, lastErrno());
  return value;
}

export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/** The address of a byte array's storage, for structures that hold pointers; stays inside `ffi/`. */
export function addressOf(bytes: ArrayBufferView<ArrayBuffer>): bigint {
  void bytes.buffer; // moves a small array out of V8's heap, where the collector would move it
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

// ---- sockets

export function socket(domain: number, type: number, protocol: number): number {
  return unwrap("socket", libc().socket(domain, type, protocol));
}

/** Two connected sockets. */
export function socketPair(domain: number, type: number): [number, number] {
  const pair = new Int32Array(2);
  unwrap("socketpair", libc().socketpair(domain, type, 0, pair));
  return [pair[0], pair[1]];
}

export function bind(fd: number, address: Uint8Array<ArrayBuffer>): void {
  unwrap("bind", libc().bind(fd, address, address.length));
}

export function setSocketOption(
  fd: number,
  level: number,
  name: number,
  value: ArrayBufferView<ArrayBuffer> | number,
): void {
  const bytes = typeof value === "number" ? new Int32Array([value]) : value;
  unwrap(
    `setsockopt ${level}/${name}`,
    libc().setsockopt(fd, level, name, bytes, bytes.byteLength),
  );
}

/** Puts a socket option to the kernel as `value` and reads the answer into it; the answer's length. */
export function getSocketOption(
  fd: number,
  level: number,
  name: number,
  value: Uint8Array<ArrayBuffer>,
): number {
  const length = new Uint32Array([value.length]);
  unwrap(`getsockopt ${level}/${name}`, libc().getsockopt(fd, level, name, value, length));
  return length[0];
}

/**
 * Attaches a classic BPF filter (struct sock_filter: u16 code, u8 jt, u8 jf, u32 k; linux/filter.h).
 * The kernel copies the program during the call.
 */
export function attachSocketFilter(
  fd: number,
  program: readonly (readonly [code: number, jt: number, jf: number, k: number])[],
): void {
  const instructions = new Uint8Array(program.length * 8);
  const view = new DataView(instructions.buffer);
  program.forEach(([code, jt, jf, k], i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jt);
    view.setUint8(8 * i + 3, jf);
    view.setUint32(8 * i + 4, k >>> 0, true);
  });
  const fprog = new Uint8Array(16); // struct sock_fprog: u16 len, padding, pointer
  new DataView(fprog.buffer).setUint16(0, program.length, true);
  new DataView(fprog.buffer).setBigUint64(8, addressOf(instructions), true);
  setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog);
}

/** Sends; the number of bytes taken, or null when the socket has no room now (EAGAIN, ENOBUFS). */
export function send(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
  flags = MSG_NOSIGNAL,
): number | null {
  const sent = Number(libc().send(fd, bytes, BigInt(bytes.length), flags));
  if (sent >= 0) return sent;
  const errno = lastErrno();
  if (errno === EAGAIN || errno === ENOBUFS) return null;
  throw new SystemError("send", errno);
}

export function sendTo(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
  address: Uint8Array<ArrayBuffer>,
  flags = MSG_NOSIGNAL,
): number {
  return unwrap(
    "sendto",
    libc().sendto(fd, bytes, BigInt(bytes.length), flags, address, address.length),
  );
}

/** Receives one message into `into`; its length, or null when there is none now. */
export function receive(
  fd: number,
  into: Uint8Array<ArrayBuffer>,
  flags = MSG_DONTWAIT,
): number | null {
  const size = BigInt(into.length);
  const isPatient = (flags & MSG_DONTWAIT) === 0;
  return withoutData("recv", () => libc().recv(fd, into, size, flags), isPatient);
}

/**
 * As `send`, on a thread of the runtime's pool, whose errno nobody can ask for; false: it failed. The bytes
 * must not change meanwhile.
 */
export async function sendOnPool(fd: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  return await libc().sendAsync(fd, bytes, BigInt(bytes.length), MSG_NOSIGNAL) >= 0;
}

/** As `receive`, on a thread of the runtime's pool; errors are reported as "nothing there". */
export async function receiveOnPool(
  fd: number,
  into: Uint8Array<ArrayBuffer>,
): Promise<number | null> {
  const length = Number(await libc().recvAsync(fd, into, BigInt(into.length), MSG_DONTWAIT));
  return length < 0 ? null : length;
}

/**
 * Receives many messages by one system call (recvmmsg(2)) into equal slots of one array.
 * Slot i starts at `i * slotBytes` of `bytes`; `lengthOf(i)` is the length of its message.
 */
export class ReceiveSlots {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #headers: Uint8Array<ArrayBuffer>;
  readonly #headerView: DataView;
  readonly #iovecs: BigUint64Array<ArrayBuffer>;
  /** For each slot a control message (cmsg(3)) with its time of arrival, where a socket tells it. */
  readonly #arrivals: Uint8Array<ArrayBuffer>;
  readonly #arrivalView: DataView;

  constructor(readonly count: number, readonly slotBytes: number) {
    this.bytes = new Uint8Array(count * slotBytes);
    this.#headers = new Uint8Array(count * mmsghdrBytes);
    this.#headerView = new DataView(this.#headers.buffer);
    this.#iovecs = new BigUint64Array(count * 2);
    this.#arrivals = new Uint8Array(count * arrivalBytes);
    this.#arrivalView = new DataView(this.#arrivals.buffer);
    const slots = addressOf(this.bytes);
    const iovecs = addressOf(this.#iovecs);
    const arrivals = addressOf(this.#arrivals);
    for (let i = 0; i < count; i++) {
      this.#iovecs[2 * i] = slots + BigInt(i * slotBytes);
      this.#iovecs[2 * i + 1] = BigInt(slotBytes);
      const header = i * mmsghdrBytes;
      this.#headerView.setBigUint64(header + 16, iovecs + BigInt(16 * i), true); // msg_iov
      this.#headerView.setBigUint64(header + 24, 1n, true); // msg_iovlen
      this.#headerView.setBigUint64(header + 32, arrivals + BigInt(i * arrivalBytes), true); // msg_control
      this.#offerArrival(i);
    }
  }

  /** How many messages came; null when there is none now; throws `SystemError` (also ENOBUFS). */
  receive(fd: number): number | null {
    return withoutData(
      "recvmmsg",
      () => libc().recvmmsg(fd, this.#headers, this.count, MSG_DONTWAIT, null),
    );
  }

  lengthOf(slot: number): number {
    return this.#headerView.getUint32(slot * mmsghdrBytes + 56, true); // msg_len
  }

  /**
   * When the message reached the kernel, in milliseconds of CLOCK_REALTIME; null where its socket does
   * not tell (`SO_TIMESTAMPNS`). To be asked once for each message.
   */
  arrivalOf(slot: number): number | null {
    const told = this.#headerView.getUint32(slot * mmsghdrBytes + 40, true); // msg_controllen
    this.#offerArrival(slot);
    const at = slot * arrivalBytes;
    const isTime = told === arrivalBytes &&
      this.#arrivalView.getInt32(at + 8, true) === SOL_SOCKET &&
      this.#arrivalView.getInt32(at + 12, true) === SO_TIMESTAMPNS;
    if (!isTime) return null;
    const view = this.#arrivalView; // struct timespec; its numbers without the cost of BigInt
    const seconds = view.getInt32(at + 20, true) * 2 ** 32 + view.getUint32(at + 16, true);
    return seconds * 1e3 + view.getUint32(at + 24, true) / 1e6;
  }

  /** The kernel writes how much it has told over how much there is room for. */
  #offerArrival(slot: number): void {
    this.#headerView.setBigUint64(slot * mmsghdrBytes + 40, BigInt(arrivalBytes), true);
  }
}

/** sizeof(struct mmsghdr): struct msghdr of 56 bytes, msg_len, padding. */
const mmsghdrBytes = 64;
/** CMSG_SPACE(sizeof(struct timespec)): struct cmsghdr (length, level, type) of 16 bytes, and 16. */
const arrivalBytes = 32;

/** Opens a file that is there for reading and writing; its descriptor, closed on exec. */
export function openForWriting(path: string): number {
  return unwrap(`open ${path}`, libc().open(cString(path), 0x80002)); // O_CLOEXEC | O_RDWR
}

/** The `length` bytes at `offset` of a file; throws `SystemError`, also where there are fewer. */
export function readAt(fd: number, length: number, offset: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const got = Number(libc().pread(fd, bytes, BigInt(length), BigInt(offset)));
  if (got < 0) throw new SystemError("pread", lastErrno());
  if (got !== length) throw new SystemError("pread", 0, `${got} of ${length} bytes`);
  return bytes;
}

export function close(fd: number): void {
  unwrap("close", libc().close(fd));
}

// ---- waiting

/** A set of descriptors to wait on. */
export class PollSet {
  readonly #fds: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  constructor(fds: readonly number[]) {
    this.#fds = new Uint8Array(8 * fds.length); // struct pollfd: int fd, short events, short revents
    this.#view = new DataView(this.#fds.buffer);
    fds.forEach((fd, i) => {
      this.#view.setInt32(8 * i, fd, true);
      this.#view.setInt16(8 * i + 4, POLLIN, true);
    });
  }

  /** Whether the i-th descriptor is waited for; poll(2) passes over negative ones. */
  watch(i: number, isWatched: boolean): void {
    const fd = this.#view.getInt32(8 * i, true);
    if (fd >= 0 !== isWatched) this.#view.setInt32(8 * i, ~fd, true);
  }

  /** Blocks this thread until a descriptor is ready or `timeoutMs` has passed; how many are ready. */
  wait(timeoutMs: number): number {
    const ready = libc().poll(this.#fds, BigInt(this.#fds.length / 8), timeoutMs);
    return ready < 0 && lastErrno() === EINTR ? 0 : unwrap("poll", ready);
  }

  /** As `wait`, on a thread of the runtime's pool; errors are reported as "nothing ready". */
  async waitAsync(timeoutMs: number): Promise<number> {
    return Math.max(0, await libc().pollAsync(this.#fds, BigInt(this.#fds.length / 8), timeoutMs));
  }

  /** Whether the i-th descriptor was ready (readable, in error or hung up) at the last wait. */
  isReady(i: number): boolean {
    return this.#view.getInt16(8 * i + 6, true) !== 0;
  }
}

// ---- time

const timespec = new BigInt64Array(2);

/** A clock's time in milliseconds with a fraction. */
export function clockMs(clock: number): number {
  unwrap("clock_gettime", libc().clock_gettime(clock, timespec));
  return Number(timespec[0]) * 1e3 + Number(timespec[1]) / 1e6;
}

/** A clock's step in milliseconds. */
export function clockStepMs(clock: number): number {
  unwrap("clock_getres", libc().clock_getres(clock, timespec));
  return Number(timespec[0]) * 1e3 + Number(timespec[1]) / 1e6;
}

/** How the kernel keeps the time of day right (adjtimex(2)). */
export interface ClockDiscipline {
  readonly isSynchronised: boolean;
  /** How far it may be off, in microseconds. */
  readonly errorUsMax: number;
  /** What is corrected for, in millionths. */
  readonly frequencyPpm: number;
}

const STA_UNSYNC = 0x40;

/** Only asks; throws `SystemError`. */
export function clockDiscipline(): ClockDiscipline {
  const timex = new Uint8Array(208); // struct timex; modes 0 at its beginning: change nothing
  unwrap("adjtimex", libc().adjtimex(timex));
  const view = new DataView(timex.buffer);
  return {
    isSynchronised: (view.getInt32(40, true) & STA_UNSYNC) === 0,
    errorUsMax: Number(view.getBigInt64(24, true)),
    frequencyPpm: Number(view.getBigInt64(16, true)) / 65536,
  };
}

// ---- memory, mounts, scheduling

/** A shared, writable mapping of a descriptor (MAP_SHARED, PROT_READ | PROT_WRITE). */
export class SharedMapping {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #pointer: Deno.PointerObject;

  constructor(fd: number, readonly length: number) {
    const pointer = libc().mmap(null, BigInt(length), 3, 1, fd, 0n);
    if (pointer === null || Deno.UnsafePointer.value(pointer) === 0xffffffffffffffffn) {
      throw new SystemError("mmap", lastErrno());
    }
    this.#pointer = pointer;
    this.bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, length));
  }

  /** After this, `bytes` must not be touched. */
  close(): void {
    unwrap("munmap", libc().munmap(this.#pointer, BigInt(this.length)));
  }
}

export function mount(source: string, target: string, type: string): void {
  unwrap(
    `mount ${type} on ${target}`,
    libc().mount(cString(source), cString(target), cString(type), 0n, null),
  );
}

export function unmount(target: string): void {
  unwrap(`umount ${target}`, libc().umount2(cString(target), 2)); // MNT_DETACH
}

/** The interface's number in this network namespace, or null where there is none of that name. */
export function interfaceIndex(name: string): number | null {
  return libc().if_nametoindex(cString(name)) || null;
}

/** ioctl(2) with a structure that the kernel reads or writes. */
export function ioctl(fd: number, request: number, argument: Uint8Array<ArrayBuffer>): void {
  unwrap(`ioctl ${request.toString(16)}`, libc().ioctl(fd, BigInt(request), argument));
}

/** syscall(2) with (command, attribute block, its size), the shape of bpf(2). */
export function systemCall(
  number: number,
  command: number,
  block: Uint8Array<ArrayBuffer>,
): number {
  return Number(libc().syscall(BigInt(number), BigInt(command), block, BigInt(block.length)));
}

/** Gives the calling thread a real-time priority (SCHED_FIFO, 1 to 99); false where not allowed. */
export function useRealtimePriority(priority: number): boolean {
  return libc().sched_setscheduler(0, 1, new Int32Array([priority])) === 0;
}

/** Takes a real-time priority back. */
export function useNormalPriority(): void {
  libc().sched_setscheduler(0, 0, new Int32Array([0]));
}

/** Gives the calling thread a nice value (-20 to 19); false where not allowed. */
export function useNiceValue(nice: number): boolean {
  return libc().setpriority(0, 0, nice) === 0; // PRIO_PROCESS; on Linux, of this thread
}

const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;

/** Has the kernel write no core dump of this process; false where not allowed. */
export function forbidCoreDump(): boolean {
  libc().prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n);
  return libc().prctl(PR_GET_DUMPABLE, 0n, 0n, 0n, 0n) === 0;
}

/** Keeps a range of this process's memory from being paged out; false where not allowed. */
export function lockRange(address: bigint, length: bigint): boolean {
  return libc().mlock(address, length) === 0;
}
