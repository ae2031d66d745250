/** Tells the service manager how the daemon is (sd_notify(3)); nothing where there is none. */
import {
  AF_UNIX,
  CLOCK_MONOTONIC,
  clockMs,
  close,
  sendTo,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  socket,
} from "../../ffi/libc.ts";

export function notifyServiceManager(state: string): void {
  const path = Deno.env.get("NOTIFY_SOCKET");
  if (!path) return;
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    const name = new TextEncoder().encode(path);
    if (path.startsWith("@")) name[0] = 0; // an abstract socket
    const address = new Uint8Array(2 + name.length + (name[0] === 0 ? 0 : 1));
    address[0] = AF_UNIX;
    address.set(name, 2);
    sendTo(fd, new TextEncoder().encode(state), address);
  } catch {
    // A service manager that does not listen must not stop the daemon.
  } finally {
    close(fd);
  }
}

/**
 * Reads the configuration again, and says so before and after; `end` words what came of it. A unit of
 * `Type=notify-reload` waits for both (systemd.service(5)), any other takes them for information.
 */
export async function whileReloading<T>(
  reload: () => Promise<T>,
  end: (result: T) => string,
): Promise<T> {
  const usec = Math.floor(clockMs(CLOCK_MONOTONIC) * 1000);
  notifyServiceManager(`RELOADING=1\nMONOTONIC_USEC=${usec}`);
  let status = "the reload failed";
  try {
    const result = await reload();
    status = end(result);
    return result;
  } finally {
    notifyServiceManager(`READY=1\nSTATUS=${status}`);
  }
}
