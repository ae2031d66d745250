/**
 * The systemd journal's socket. A daemon whose standard error is the journal has a better way to it: with
 * fields of their own, so that `journalctl AVAIL_EVENT=peer-dead` finds what a text hides.
 */
import {
  AF_UNIX,
  close,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  sendTo,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  socket,
} from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";

const journalSocket = "/run/systemd/journal/socket";

/** `full`: it has no room now; `gone`: nobody takes entries there. */
export type JournalOutcome = "taken" | "full" | "gone";

/** Whether standard error is a stream to the journal, as systemd.exec(5) says (`JOURNAL_STREAM`). */
export function isJournal(
  stream = Deno.env.get("JOURNAL_STREAM"),
  file = "/proc/self/fd/2",
): boolean {
  if (!stream) return false;
  try {
    const { dev, ino } = Deno.statSync(file);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

export class Journal {
  readonly #fd: number;
  readonly #address: Uint8Array<ArrayBuffer>;

  constructor(path = journalSocket) {
    this.#fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const name = new TextEncoder().encode(path);
    this.#address = new Uint8Array(3 + name.length); // struct sockaddr_un
    this.#address[0] = AF_UNIX;
    this.#address.set(name, 2);
  }

  /** Hands an entry over; never waits. */
  write(entry: Uint8Array<ArrayBuffer>): JournalOutcome {
    try {
      sendTo(this.#fd, entry, this.#address, MSG_NOSIGNAL | MSG_DONTWAIT);
      return "taken";
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return error.code === "EAGAIN" || error.code === "ENOBUFS" ? "full" : "gone";
    }
  }

  close(): void {
    close(this.#fd);
  }
}
