/**
 * What every binding in this folder shares: how a library is found, and what a failed call is.
 *
 * Nothing is opened on import. Pointers stay inside `ffi/`; numbers, strings and byte arrays cross.
 */

/** A failed system or library call: what was tried, and the kernel's own word for why not. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  constructor(readonly operation: string, readonly errno: number, detail?: string) {
    super(`${operation}: ${detail ?? describeErrno(errno)}`);
  }
  /** The symbolic name, such as `EPERM`, or `E<number>` where it is not one of those we meet. */
  get code(): string {
    return errnoNames[this.errno]?.[0] ?? `E${this.errno}`;
  }
}

/** Where a library is that the program brings along; null: the system's, by its soname. */
export type FindLibrary = (soname: string) => string | null;

let findCarried: FindLibrary = () => null;

/** Has this thread's libraries opened from where `find` says. */
export function useCarriedLibraries(find: FindLibrary): void {
  findCarried = find;
}

/** What a library needs in turn. The dynamic linker takes what is open already, whatever its path. */
const needs: Readonly<Record<string, readonly string[]>> = {
  "libnetfilter_conntrack.so.3": ["libnfnetlink.so.0", "libmnl.so.0"],
};

/** Opens a shared library by its soname; the error names the library and the package that has it. */
export function openLibrary<const S extends Deno.ForeignLibraryInterface>(
  soname: string,
  symbols: S,
  debianPackage: string,
): Deno.DynamicLibrary<S> {
  const path = findCarried(soname);
  try {
    if (path === null) return Deno.dlopen(soname, symbols);
    for (const needed of needs[soname] ?? []) Deno.dlopen(findCarried(needed) ?? needed, {});
    return Deno.dlopen(path, symbols);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const remedy = path === null
      ? `install Debian package ${debianPackage}`
      : "avail version --verify tells what is damaged";
    throw new Error(`open ${soname}: ${why}; ${remedy}`, { cause });
  }
}

/** Text for an errno value, as strerror(3) would give it. */
export function describeErrno(errno: number): string {
  const known = errnoNames[errno];
  return known ? `${known[1]} (${known[0]})` : `error ${errno}`;
}

/** asm-generic/errno-base.h and errno.h: those that avail's calls can meet. */
const errnoNames: Readonly<Record<number, readonly [code: string, text: string]>> = {
  1: ["EPERM", "operation not permitted"],
  2: ["ENOENT", "no such file or entry"],
  3: ["ESRCH", "no such process"],
  4: ["EINTR", "interrupted"],
  7: ["E2BIG", "argument list too long"],
  9: ["EBADF", "bad file descriptor"],
  11: ["EAGAIN", "try again"],
  12: ["ENOMEM", "out of memory"],
  13: ["EACCES", "permission denied"],
  14: ["EFAULT", "bad address"],
  16: ["EBUSY", "device or resource busy"],
  17: ["EEXIST", "exists already"],
  19: ["ENODEV", "no such device"],
  20: ["ENOTDIR", "not a directory"],
  22: ["EINVAL", "invalid argument"],
  24: ["EMFILE", "too many open files"],
  28: ["ENOSPC", "no space left"],
  34: ["ERANGE", "out of range"],
  38: ["ENOSYS", "not implemented by this kernel"],
  61: ["ENODATA", "no data"],
  90: ["EMSGSIZE", "message too long"],
  93: ["EPROTONOSUPPORT", "protocol not supported"],
  95: ["EOPNOTSUPP", "operation not supported"],
  97: ["EAFNOSUPPORT", "address family not supported"],
  98: ["EADDRINUSE", "address already in use"],
  99: ["EADDRNOTAVAIL", "cannot assign requested address"],
  100: ["ENETDOWN", "network is down"],
  101: ["ENETUNREACH", "network is unreachable"],
  105: ["ENOBUFS", "no buffer space available"],
  107: ["ENOTCONN", "not connected"],
  110: ["ETIMEDOUT", "timed out"],
  111: ["ECONNREFUSED", "connection refused"],
  113: ["EHOSTUNREACH", "no route to host"],
  524: ["ENOTSUPP", "operation not supported"],
};
